"""Turns plans, reports and problems into text; pure."""
