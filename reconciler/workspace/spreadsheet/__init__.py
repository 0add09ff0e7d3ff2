"""Spreadsheets: cells read exactly, and rows made into declarations."""
