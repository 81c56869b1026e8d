"""The report of a version: one self-contained page, and the map of its rows."""

from flows.report.map import publish_map
from flows.report.page import build_report, write_report

__all__ = ["build_report", "publish_map", "write_report"]
