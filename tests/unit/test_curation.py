"""What a client prints of a commit that it is given is whole: a sentence is not cut in the middle of a word."""

from __future__ import annotations

from curator.admission.decisions import one_line


def test_a_long_message_ends_where_a_sentence_does() -> None:
    first = "The licence of the base asks for something that this model does not keep" + " and more" * 25 + "."
    assert one_line(f"{first} {'What to do about it takes as many words again ' * 8}") == f"{first} ..."


def test_a_long_sentence_ends_where_a_word_does() -> None:
    line = one_line("lengthy " * 100)
    assert line.endswith("lengthy ...")
    assert len(line) <= 400


def test_a_long_word_is_cut_all_the_same() -> None:
    assert one_line("x" * 1_000) == "x" * 396 + " ..."


def test_a_short_message_is_left_as_it_is() -> None:
    assert one_line("in\n two  lines") == "in two lines"
