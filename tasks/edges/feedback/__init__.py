"""What an agency gets back: the workbook of rows to correct, read again when it returns, and the validation report."""

from tasks.edges.feedback.content import Change, FeedbackColumn, FeedbackSheet, Patch, ValidationReport
from tasks.edges.feedback.report import report_html, write_report_workbook
from tasks.edges.feedback.returned import is_feedback, read_workbook
from tasks.edges.feedback.workbook import write_workbook

__all__ = [
    "Change", "FeedbackColumn", "FeedbackSheet", "Patch", "ValidationReport", "is_feedback", "read_workbook",
    "report_html", "write_report_workbook", "write_workbook",
]  # fmt: skip
