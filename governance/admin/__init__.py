"""Everything that knows FastAPI: what the proxy serves under /governance, for its admins, some of it for viewers too.

A module of this package has `routes(of) -> APIRouter`, made with `route_class=Answered`, and stands in the lists of
`governance.admin.router`. Those that machines ask for again and again are in `governance.admin.polled` besides.
"""
