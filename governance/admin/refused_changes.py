"""How a change of the policy that was not made is answered, whoever asked for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from governance.admin.answered import NotDone
from governance.model.errors import GovernanceError, PolicyError, StoreUnavailable
from governance.testing import TestsTakeTooLong
from governance.usecases.change_guard import GuardExceeded, NotJudged
from governance.usecases.change_policy import CandidateStaged
from governance.usecases.guard import ReasonRequired, TestsFailed
from governance.usecases.plan import StalePlan
from governance.usecases.revisions import NoSuchRevision
from governance.usecases.staging import NoCandidate


@contextmanager
def refusals() -> Iterator[None]:
    """What use cases raise, as the error of a page."""
    try:
        yield
    except PolicyError as error:
        problems = [problem._asdict() for problem in error.problems]
        raise NotDone(422, "invalid_policy", str(error), problems=problems) from None
    except NoSuchRevision as error:
        raise NotDone(404, "no_such_revision", str(error)) from None
    except StoreUnavailable:
        raise
    except TestsFailed as error:
        # What a test expects may be anything that YAML can say.
        failed = json.loads(json.dumps(error.report(), default=str))
        raise NotDone(409, "tests_failed", str(error), failed=failed, passed=error.passed) from None
    except TestsTakeTooLong as error:
        raise NotDone(409, "tests_failed", str(error), failed=[], passed=0) from None
    except StalePlan as error:
        raise NotDone(412, "stale_base", str(error)) from None
    except ReasonRequired as error:
        raise NotDone(400, "reason_required", str(error)) from None
    except GuardExceeded as error:
        raise NotDone(409, "guard_exceeded", str(error), guard=error.judgement.report()) from None
    except NotJudged as error:
        raise NotDone(409, "not_judged", str(error)) from None
    except CandidateStaged as error:
        raise NotDone(409, "candidate_staged", str(error), candidate_id=error.candidate_id) from None
    except NoCandidate as error:
        raise NotDone(409, "no_candidate", str(error), candidate_id=error.candidate_id) from None
    except GovernanceError as error:
        raise NotDone(422, "invalid_policy", str(error), problems=[]) from None
