from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from scanners.repository.known import FILES, Known, KnownNamesError, shipped
from scanners.repository.names import lookalike
from scanners.repository.owners import Owner
from scanners.repository.suspicion import suspicion


def test_the_shipped_lists_are_long_and_their_owners_are_publishers() -> None:
    known = shipped()
    assert len(known.publishers) >= 500
    assert len(known.repositories) >= 600
    assert [name for name in known.repositories if not known.is_publisher(name.partition("/")[0])] == []


def test_everything_that_the_lists_speak_of_is_a_publisher() -> None:
    known = shipped()
    assert [word for word in known.called if not known.is_publisher(word.of)] == []
    assert [name for name in known.houses if not known.is_publisher(name) and name not in known.former] == []
    assert [now for now in known.former.values() if now and not known.is_publisher(now)] == []


def test_a_folder_of_the_administrators_takes_the_place_of_the_shipped_file(tmp_path: Path) -> None:
    (tmp_path / "publishers.txt").write_text("# ours\nnorthbank-models\n", encoding="utf-8")
    known = Known.load(tmp_path)
    assert known.is_publisher("northbank-models")
    found = lookalike("northbank-model/risk", known)
    assert found is not None
    assert found.of == "northbank-models"
    assert known.repositories == shipped().repositories
    assert known.version != shipped().version


def test_the_same_files_have_the_same_version(tmp_path: Path) -> None:
    assert Known.load(tmp_path).version == shipped().version
    assert Known.load().version == shipped().version


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("publishers.txt", "google\nmeta llama\n", "publishers.txt, line 2: 'meta llama' is no namespace of the Hub"),
        ("repositories.txt", "\n\ngpt2\n", "repositories.txt, line 3: 'gpt2' is not of the form namespace/name"),
        ("called.txt", "maker meta meta-llama\n", "called.txt, line 1: 'maker' is neither company nor product"),
        ("called.txt", "company meta\n", "called.txt, line 1: 'company meta' does not have 3 words"),
        (
            "called.txt",
            "company Meta meta-llama\n",
            "called.txt, line 1: 'Meta' is no word of small letters",
        ),
        ("houses.txt", "meta facebook\n", "houses.txt, line 1: 'meta facebook' is not of the form"),
        ("houses.txt", "a: one\nb: One\n", "houses.txt, line 2: 'One' belongs to a already"),
        ("former.txt", "THUDM zai org\n", "former.txt, line 1: 'THUDM zai org' does not have 2 words"),
        ("former.txt", "THUDM zai/org\n", "former.txt, line 1: 'zai/org' is neither a namespace of the Hub nor -"),
        ("words.txt", "shout official\n", "words.txt, line 1: 'shout' is no kind of word"),
        ("publisher.txt", "google\n", "publisher.txt is none of publishers.txt"),
        ("publishers.txt", "caf\udce9\n", "publishers.txt is not UTF-8 text, at byte 3"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path: Path, file: str, text: str, said: str) -> None:
    (tmp_path / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(KnownNamesError) as raised:
        Known.load(tmp_path)
    assert said in str(raised.value)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KnownNamesError, match="cannot be read"):
        Known.load(tmp_path / "nowhere")


def test_the_shipped_files_are_those_that_are_read() -> None:
    folder = Path(__file__).parents[3] / "scanners" / "data" / "names"
    assert {path.name for path in folder.iterdir()} == set(FILES)


def test_what_the_organisation_approved_may_be_imitated_from_then_on() -> None:
    known = shipped().extended(["northbank-labs/ledger-reader"])
    assert lookalike("northbank-1abs/ledger-reader") is None
    found = lookalike("northbank-1abs/ledger-reader", known)
    assert found is not None
    assert found.of == "northbank-labs/ledger-reader"
    assert found.score >= 0.85


def test_an_approved_repository_is_no_lookalike_but_the_rest_of_its_owner_may_be() -> None:
    known = shipped().extended(["metallama/Llama-3.2-1B"])
    assert lookalike("metallama/Llama-3.2-1B", known) is None
    found = lookalike("metallama/Llama-3.2-3B", known)
    assert found is not None
    assert found.of.startswith("meta-llama")


def test_an_owner_of_approved_repositories_does_not_imitate_itself() -> None:
    known = shipped().extended(["northbank-labs/ledger-reader"])
    assert lookalike("northbank-labs/other-model", known) is None
    assert lookalike("Northbank-Labs/other-model", known) is None


def test_an_approved_publisher_is_never_a_lookalike() -> None:
    assert lookalike("metallama/Llama-3.2-3B", shipped().extended(publishers=["metallama"])) is None


def test_approvals_change_the_version_and_are_cached() -> None:
    known = shipped()
    one, other = known.extended(["a-b/c"]), known.extended(["a-b/c"])
    assert one is other
    assert one.version != known.version != known.extended(["a-b/d"]).version
    assert known.extended() is known
    assert known.extended(["no name", "a/b/c", ""]) is known


def test_a_publisher_in_foreign_letters_is_not_the_publisher() -> None:
    assert not shipped().is_publisher("faceboo\N{KELVIN SIGN}")


def test_a_name_that_was_given_up_is_no_known_publisher_and_who_has_it_now_matters() -> None:
    assert not shipped().is_publisher("THUDM")
    found = lookalike("THUDM/chatglm-6b")
    assert found is not None
    assert (found.of, found.why) == ("zai-org/chatglm-6b", "a name that zai-org has given up")
    now = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    new = Owner("user", created_at=now - dt.timedelta(days=20))
    old = Owner("organization", created_at=now - dt.timedelta(days=2000), followers=3000)
    assert suspicion(found, new, observed_at=now).score >= 0.7 > suspicion(found, old, observed_at=now).score
    nowhere = lookalike("decapoda-research/llama-7b-hf")
    assert nowhere is not None
    assert nowhere.of == "decapoda-research"
