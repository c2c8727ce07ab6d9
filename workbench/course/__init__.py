"""Courses: lessons, claims against published numbers, answer checks."""

from __future__ import annotations

from workbench.course.check import Checked, check
from workbench.course.course import Claim, Course, Exercise, Lesson, courses, home, load_course

__all__ = ["Checked", "Claim", "Course", "Exercise", "Lesson", "check", "courses", "home", "load_course"]
