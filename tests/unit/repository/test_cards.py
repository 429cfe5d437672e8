from __future__ import annotations

import json
import random
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelCardData
from hypothesis import given
from hypothesis import strategies as st

from scanners.repository.cards import BANDS, CardSignature, card_signature, similarity
from scanners.repository.completeness import WEIGHTS, card_completeness, card_lacks

CARD = """---
license: apache-2.0
language: [en]
pipeline_tag: token-classification
---
# Harbour Redactor

Harbour Redactor is a small encoder that marks names, addresses and account numbers in running text, so that they can be
masked before the text leaves a department. It was made for letters to customers, and it works best on whole sentences.

## How it was made

We took one and a half million sentences from letters that volunteers had written for us, and let three people mark each
of them independently. Sentences on which they did not agree were thrown away, which left about a million. The encoder
was then trained for four epochs on two machines, with a learning rate that fell from its peak in a straight line.

## What it cannot do

The model has never seen handwriting that was read by machine, and its marks there are no better than chance. Names
that are also ordinary words, such as Rose or Mark, are missed about once in twenty times. It knows no language other
than English, and it must not be the only guard where a leak would hurt somebody.

## Results

On the held-out letters it finds ninety-six of a hundred names and wrongly marks one word in four hundred. On the public
news collection the figures are lower, because reporters write names differently from clerks who answer complaints.

```python
from transformers import pipeline
pipe = pipeline("token-classification", model="harbour/redactor")
```

Questions are answered at the address below, usually within a week and never on weekends.
"""

OTHER = """---
license: mit
---
# Meadow Speech

Meadow Speech turns spoken Welsh into text. Farmers recorded most of the material in tractors and barns, which is why
the model copes with engines, rain and dogs better than with studios. It was trained from a published checkpoint.

## Limits

Children are understood badly, since there were only eleven of them among the speakers, all from two villages in the
north. Place names from outside the country come out as the nearest Welsh word, often to the amusement of the reader.

## Measurements

Word errors are at nine per cent for farmers and at twenty-three for visitors. We count a missing mutation as an error,
unlike earlier work, so that the numbers should not be laid beside those of other groups without saying that.
"""

TRAINER = """---
license: apache-2.0
base_model: bert-base-uncased
tags: [generated_from_trainer]
---
<!-- This model card has been generated automatically according to the information the Trainer had access to. You
should probably proofread and complete it, then remove this comment. -->

# {name}

This model is a fine-tuned version of [bert-base-uncased](https://example.org/bert) on the {data} dataset.
It achieves the following results on the evaluation set:
- Loss: {loss}
- Accuracy: 0.91

## Model description

More information needed

## Intended uses & limitations

More information needed

## Training procedure

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 2e-05
- train_batch_size: 16
- optimizer: Adam with betas=(0.9,0.999) and epsilon=1e-08
- num_epochs: 3

### Training results

| Training Loss | Epoch | Step | Validation Loss | Accuracy |
|:-------------:|:-----:|:----:|:---------------:|:--------:|
| 0.5           | 1.0   | 500  | {loss}          | 0.90     |

### Framework versions

- Transformers 4.40.0
- Pytorch 2.2.1
"""


def shuffled(text: str, seed: int) -> str:
    paragraphs = text.split("\n\n")
    random.Random(seed).shuffle(paragraphs)
    return "\n\n".join(paragraphs)


def compared(one: str, other: str, first: str = "harbour/redactor", second: str = "open-tools/redactor") -> float:
    return similarity(card_signature(one, first), card_signature(other, second))


def test_a_copied_card_is_the_same() -> None:
    assert compared(CARD, CARD) == pytest.approx(1.0, abs=0.02)


def test_changed_names_badges_links_and_metadata_do_not_make_it_another() -> None:
    copied = CARD.replace("Harbour Redactor", "Open Tools Redactor").replace("harbour/redactor", "open-tools/redactor")
    copied = copied.replace("apache-2.0", "mit").replace(
        "# Open",
        "[![build](https://example.org/b.svg)](https://example.org)\n<div align='center'>hello</div>\n\n# Open",
        1,
    )
    assert compared(CARD, copied) >= 0.9


def test_another_order_of_paragraphs_does_not_make_it_another() -> None:
    body = CARD.split("---\n", 2)[2].partition("```")[0]
    assert compared(body, shuffled(body, 7)) == pytest.approx(1.0, abs=0.02)


def test_text_put_around_a_copied_card_does_not_hide_it() -> None:
    padding = OTHER.split("---\n", 2)[2]
    assert compared(CARD, CARD + padding) >= 0.9


def test_a_few_words_changed_in_each_paragraph_still_show_where_it_is_from() -> None:
    copied = (
        CARD.replace("small", "tiny").replace("about a million", "nearly a million").replace("two machines", "four")
    )
    assert 0.75 <= compared(CARD, copied) < 1


def test_a_fence_that_is_never_closed_hides_nothing() -> None:
    assert compared(CARD, "```\n" + CARD.split("---\n", 2)[2].replace("```", "")) >= 0.9


def test_letters_of_other_alphabets_and_invisible_ones_hide_nothing() -> None:
    hidden = CARD.replace("a", "\u0430").replace("o", "\u03bf").replace("e", "e\u200b").replace("s", "&#115;")
    assert compared(CARD, hidden) >= 0.9


def test_a_phrase_of_a_tool_in_each_line_hides_only_its_own_sentence() -> None:
    hidden = "\n".join(line + ". More information needed." if line else line for line in CARD.splitlines())
    assert compared(CARD, hidden) >= 0.6


def test_text_that_is_set_as_headings_is_text() -> None:
    joined = CARD.replace("\n\n", "@").replace("\n", " ").replace("@", "\n\n# ")
    assert compared(CARD, "# " + joined.partition("# Harbour")[2]) >= 0.8


def test_two_cards_of_two_authors_are_not_alike() -> None:
    assert compared(CARD, OTHER) < 0.1


def test_cards_of_tools_are_not_compared() -> None:
    one = TRAINER.format(name="bert-finetuned-mails", data="mails", loss="0.2981")
    other = TRAINER.format(name="bert-finetuned-news", data="news", loss="0.4112")
    assert not card_signature(one).comparable
    assert compared(one, other) == 0.0


def test_the_empty_template_of_the_hub_is_not_compared() -> None:
    template = ModelCard.from_template(ModelCardData(license="mit", language="en"))
    assert not card_signature(str(template)).comparable


def test_short_cards_are_not_compared() -> None:
    text = "A quantised version of the model above. Use it with llama.cpp as you would use any other file of this kind."
    assert compared(text, text) == 0.0


def test_a_card_without_spaces_between_words_is_compared_too() -> None:
    chinese = (
        "本模型用于识别客户来信中的姓名和地址。我们收集了一百万个句子,由三名志愿者独立标注,意见不一致的句子已被删除。"
        "模型不适用于手写文本的识别结果,也不应作为唯一的防护措施。如有问题请联系作者。"
    )
    assert compared(chinese, chinese) == pytest.approx(1.0, abs=0.02)


def test_a_copied_card_is_found_by_the_keys_of_its_signature() -> None:
    one, other = card_signature(CARD, "harbour/redactor"), card_signature(CARD + OTHER, "open-tools/redactor")
    assert len(one.bands) == BANDS
    assert set(one.bands) & set(other.bands)
    assert not set(one.bands) & set(card_signature(OTHER).bands)


TEXTS = st.lists(st.sampled_from([*CARD.split(), *OTHER.split(), "\n\n", "```", "---", "[", "](", "<!--"])).map(
    " ".join
)


@given(st.text() | TEXTS, st.text() | TEXTS, st.text())
def test_likeness_is_between_nothing_and_all_and_the_same_both_ways(one: str, other: str, name: str) -> None:
    first, second = card_signature(one, name), card_signature(other)
    assert 0 <= similarity(first, second) <= 1
    assert similarity(first, second) == similarity(second, first)
    assert similarity(first, first) == (1.0 if first.comparable else 0.0)


@given(st.lists(st.sampled_from(CARD.split("\n\n") + OTHER.split("\n\n")), unique=True), st.integers(0, 99))
def test_order_never_counts(paragraphs: list[str], seed: int) -> None:
    paragraphs = [paragraph for paragraph in paragraphs if "---" not in paragraph and "```" not in paragraph]
    text = "\n\n".join(paragraphs)
    assert card_signature(text) == card_signature(shuffled(text, seed))


@given(TEXTS)
def test_a_signature_can_be_kept_as_json(text: str) -> None:
    signature = card_signature(text * 3)
    kept = CardSignature.from_json(json.loads(json.dumps(signature.as_json())))
    assert kept == (signature if signature.comparable else CardSignature())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"runs": 50, "hashes": "x"},
        {"runs": "50", "hashes": []},
        {"runs": 1, "hashes": [1] * 50},
        {"runs": 60, "hashes": [-1] * 50},
        {"runs": 60, "hashes": [2**60] * 50},
        {"runs": 900, "hashes": [1] * 500},
    ],
)
def test_a_signature_that_cannot_be_read_is_like_no_other(document: Any) -> None:
    signature = CardSignature.from_json(document)
    assert similarity(signature, card_signature(CARD)) == 0.0


def test_an_empty_card_lacks_everything() -> None:
    assert card_completeness(None, "") == 0.0
    assert card_lacks({}, "") == tuple(WEIGHTS)


def test_all_parts_together_are_everything() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_the_empty_template_of_the_hub_says_next_to_nothing() -> None:
    template = str(ModelCard.from_template(ModelCardData()))
    assert card_completeness({}, template) <= 0.15, card_lacks({}, template)


def test_a_good_card_lacks_little() -> None:
    card = {"license": "apache-2.0", "language": ["en"], "datasets": ["letters"], "base_model": "a/b"}
    text = CARD.replace("What it cannot do", "Limitations").replace("How it was made", "Training procedure")
    assert card_lacks(card, text) == ("intended-use", "contact")
    assert card_completeness(card, text) == 0.85


def test_a_heading_with_nothing_under_it_says_nothing() -> None:
    assert "limitations" in card_lacks({}, "# Limitations\n\n[More Information Needed]\n")
    assert "limitations" not in card_lacks({}, "# Limitations\n\nIt knows English alone, and no slang.\n")


def test_metadata_that_says_unknown_says_nothing() -> None:
    assert "licence" in card_lacks({"license": "unknown", "language": [], "datasets": None}, "")


@given(
    st.none() | st.dictionaries(st.sampled_from(["license", "datasets", "language"]), st.none() | st.text()), st.text()
)
def test_no_card_makes_it_fail(card: Any, text: str) -> None:
    assert 0 <= card_completeness(card, text) <= 1
