"""Chat templates, in whatever file they come.

Honest templates read fields of messages; what reaches into Python goes through names with two underscores, in one
piece or in many. Jinja's own parser says what is code; nothing is rendered.
"""

from scanners.formats.template.judge import (
    LARGEST_TEMPLATE,
    LONGEST_TEMPLATE,
    judge_template,
    judge_template_file,
    judge_words,
)

__all__ = ["LARGEST_TEMPLATE", "LONGEST_TEMPLATE", "judge_template", "judge_template_file", "judge_words"]
