"""Recorded traffic through another policy: what it would have refused, rerouted and cost.

`governance.backtest.run.backtest(active, candidate, lines, …)` answers with a `governance.backtest.report.Report`.
"""
