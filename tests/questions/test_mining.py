"""Rules that were planted are found and confirmed, and none where there is nothing to find."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from eval_autopsy import api, kernel
from eval_autopsy.errors import CannotUse
from eval_autopsy.questions import holds
from eval_autopsy.questions.invariants import Rule, Seen, candidates, code_of
from eval_autopsy.questions.mining import Mined, Row, mined

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "invoice-extraction"
Output = Any
Make = Callable[[Random], tuple[str, Output, Output]]  # an input, its right output and a wrong one


def rows(make: Make, n: int = 400, wrong: float = 0.2, seed: int = 1) -> list[Row]:
    """Records of which a share is wrong, in the way that `make` says."""
    draw = Random(seed)
    found = []
    for number in range(n):
        text, right, broken = make(draw)
        fails = draw.random() < wrong
        half = kernel.half_of(0, f"r-{number}")
        found.append(Row(Seen(text, broken if fails else right), not fails, fails, half))
    return found


def totals(draw: Random) -> tuple[str, Output, Output]:
    quantity, price = draw.randint(2, 9), Decimal(draw.randint(100, 999)) / 100
    right = {"quantity": quantity, "price": price, "total": quantity * price}
    return "an order", right, {**right, "total": quantity * price + draw.randint(1, 9)}


def dates(draw: Random) -> tuple[str, Output, Output]:
    days = sorted(f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}" for _ in "ab")
    right = {"due": days[1], "issued": days[0]}
    return "a bill", right, {"due": "2023-01-01", "issued": days[0]}


def items(draw: Random) -> tuple[str, Output, Output]:
    lines = [{"q": draw.randint(1, 5), "unit": draw.randint(10, 99)} for _ in range(3)]
    total = sum(line["q"] * line["unit"] for line in lines)
    return "a list", {"lines": lines, "sum": total}, {"lines": lines, "sum": total + 1}


def numbers(draw: Random) -> tuple[str, Output, Output]:
    number = f"INV-{draw.randint(10000, 99999)}"
    return "a number", {"number": number}, {"number": number.removeprefix("INV-")}


def kinds(draw: Random) -> tuple[str, Output, Output]:
    return "a message", draw.choice(["refund", "order", "other"]), "unknown"


def copies(draw: Random) -> tuple[str, Output, Output]:
    number = draw.randint(100, 999)
    names = [f"company {one}" for one in (number, number + 1)]
    return f"It is from {names[0]}, as ever.", {"name": names[0]}, {"name": names[1]}


def labels(draw: Random) -> tuple[str, Output, Output]:
    one, other = (f"firm {draw.randint(1, 10**6)}" for _ in "ab")
    text = f"Buyer: {one}\nSeller - {other}"
    return text, {"b": one, "s": other}, {"b": other, "s": one}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (totals, "total_price_quantity_is_product"),
        (dates, "issued_due_in_order"),
        (items, "sum_lines_is_sum_of_items"),
        (numbers, "number_has_shape"),
        (kinds, "output_is_one_of"),
        (copies, "name_stands_in_input"),
        (labels, "b_stands_under"),
    ],
)
def test_a_planted_rule_is_confirmed_and_catches_every_wrong_output(make: Make, name: str) -> None:
    result = mined(rows(make))
    assert name in {rule.name for rule in result.rules}
    assert result.together.silent.k == result.together.silent.n > 20
    assert result.together.false_alarms.k == 0
    assert result.crossed.wrong.k == result.crossed.wrong.n


def anything(draw: Random) -> tuple[str, Output, Output]:
    """Outputs of many shapes, right or wrong by chance."""
    number = f"{draw.choice(['INV-', 'F', ''])}{draw.randint(1, 10 ** draw.randint(1, 6))}"
    day = f"20{draw.randint(10, 29)}-0{draw.randint(1, 9)}-11"
    output = {"kind": draw.choice("abcdefgh"), "number": number, "day": day}
    text = "\n".join(f"{name}: {value}" for name, value in output.items() if draw.random() < 0.9)
    return text, output, output


def oddities(draw: Random) -> tuple[str, Output, Output]:
    """Outputs in which now and then a field is odd, right or wrong by chance."""
    output = {f"f{at}": "odd" if draw.random() < 0.05 else "usual" for at in range(8)}
    return "x", output, output


@pytest.mark.parametrize(("make", "wrong", "tests"), [(anything, 0.4, 0), (oddities, 0.6, 50)])
def test_random_verdicts_confirm_no_more_rules_than_chance_does(
    make: Make, wrong: float, tests: int
) -> None:
    results = [mined(rows(make, n=200, wrong=wrong, seed=seed)) for seed in range(100)]
    assert sum(len(one.tested) for one in results) >= tests
    # One in twenty may be; 11 or more of 100 are that in one case in a hundred.
    assert sum(bool(one.rules) for one in results) <= 10


def test_a_rule_that_stops_right_outputs_of_the_other_half_is_not_confirmed() -> None:
    def later(draw: Random) -> tuple[str, Output, Output]:
        return "x", {"code": "A1"}, {"code": "?"}

    some = [
        row._replace(seen=Seen("x", {"code": "B-2"}))
        if row.right and row.half == "confirm" and at % 9 == 0
        else row
        for at, row in enumerate(rows(later))
    ]
    result = mined(some)
    assert result.tested
    assert result.rules == []
    assert result.together.wrong.k == 0


def test_only_the_input_and_the_output_can_be_learned_from() -> None:
    assert Seen._fields == ("text", "output")
    text = holds.text_of({"id": "leak", "record_id": "leak", "question": "why", "idea": "so"})
    assert text == "why\nso"


def test_a_set_that_may_have_other_members_is_no_rule() -> None:
    seen = [Seen("x", {"code": f"{'a-' * n}1"}) for n in range(1, 40)]
    assert "code_has_shape" not in {rule.name for rule in candidates(seen)}
    known = [Seen("x", {"code": code}) for code in "aaabbbcc"]
    assert "code_is_one_of" not in {rule.name for rule in candidates(known)}
    assert "code_is_one_of" in {rule.name for rule in candidates([*known, known[-1]])}


@pytest.mark.parametrize("wrong", [0.0, 0.99])
def test_too_few_right_or_no_wrong_outputs_are_an_error(wrong: float) -> None:
    with pytest.raises(CannotUse, match="right outputs and"):
        mined(rows(totals, n=60, wrong=wrong))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vendor: A B\nClient - C", {"vendor": "A B", "client": "C"}),
        ("Vendor: A; Client: C   Date = 2", {"vendor": "A", "client": "C", "date": "2"}),
        ("Vendor: A, B and sons", {"vendor": "A, B and sons"}),
        ("See https://x.y/z", {}),
        ("Total\t5\r\nTotal: 6", {"total": "5"}),
    ],
)
def test_the_value_under_each_label_is_read(text: str, expected: dict[str, str]) -> None:
    assert holds.labelled(text) == expected


@pytest.mark.parametrize(
    ("value", "stands"), [("INV-12", True), ("inv-12", True), ("INV-1", False), ("$5", True)]
)
def test_a_value_stands_in_an_input_as_words_of_its_own(value: str, stands: bool) -> None:
    assert holds.stands_in_input("Pay INV-12, which is $5.", {"n": value}, "n") is stands


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$1,200.50", Decimal("1200.5")),
        (12, Decimal(12)),
        ("12.50 EUR", Decimal("12.5")),
        ("-3", Decimal(-3)),
        ("2024-05-26", None),
        ("F78580 Street", None),
        (True, None),
        (None, None),
        ("", None),
    ],
)
def test_an_amount_is_one_number(value: object, expected: Decimal | None) -> None:
    assert holds.amount(value) == expected


# The invoice example, and the code that is printed


@pytest.fixture(scope="module")
def invoices(tmp_path_factory: pytest.TempPathFactory) -> tuple[api.Autopsy, Mined]:
    folder = tmp_path_factory.mktemp("invoices")
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    study = api.open(folder)
    result = study.guards(mine=True).mined
    assert result is not None
    return study, result


def test_the_ledger_says_what_the_guards_of_the_invoices_do(
    invoices: tuple[api.Autopsy, Mined],
) -> None:
    ledger = invoices[0].guards().ledger
    assert (ledger.wrong, ledger.silent) == (55, 49)
    assert [tuple(one) for one in ledger.guards] == [
        ("no_exception", 0, 55, 0, 0),
        ("not_blank", 6, 49, 0, 6),
    ]


def test_on_held_out_invoices_at_least_45_of_49_silent_ones_are_caught_and_no_right_one(
    invoices: tuple[api.Autopsy, Mined],
) -> None:
    crossed = invoices[1].crossed
    assert crossed.silent.n == 49
    assert crossed.silent.k >= 45
    assert (crossed.false_alarms.k, crossed.false_alarms.n) == (0, 745)


def test_the_code_is_plain_python_and_says_what_the_rules_say(
    invoices: tuple[api.Autopsy, Mined], tmp_path: Path
) -> None:
    code = code_of(invoices[1].rules)
    (tmp_path / "mined.py").write_text(code, encoding="utf-8")
    sys_path = f"import sys; sys.path.insert(0, {str(tmp_path)!r})"
    asks = "import json, mined; rows = json.load(sys.stdin)"
    says = "print(json.dumps([mined.broken(text, output) for text, output in rows]))"
    texts = [json.loads(line) for line in (EXAMPLE / "production.jsonl").read_text().splitlines()]
    pairs = [(row["text"], row["truth"]) for row in texts]
    pairs += [(row["text"], {**row["truth"], "total": row["truth"]["vendor"]}) for row in texts]
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{sys_path}; {asks}; {says}"],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert "eval_autopsy" not in code
    assert said[:400] == [[]] * 400  # the truth passes
    assert all("total_stands_under" in one for one in said[400:])
    assert said == [
        [rule.name for rule in invoices[1].rules if not rule.keeps(Seen(*pair))] for pair in pairs
    ]


def test_code_of_any_names_and_values_is_python_and_runs_nothing_of_theirs() -> None:
    name = '"""\nraise SystemExit\n9 x'
    rules = [
        Rule(holds.is_one_of, (name, ['"""; raise', Decimal("1.5"), True])),
        Rule(holds.is_one_of, (name.upper(), [1])),
        Rule(holds.is_sum_of_items, ("9", "lines", ["q"])),
    ]
    module: dict[str, Any] = {}
    exec(code_of(rules), module)
    assert len(module["RULES"]) == 3
    assert module["broken"]("", {name: True, name.upper(): 1, "9": 2, "lines": [{"q": 2}]}) == []
    assert len(module["broken"]("", {})) == 3


def test_a_rule_on_the_output_alone_is_a_guard_as_it_is() -> None:
    module: dict[str, Any] = {}
    exec(code_of([Rule(holds.has_shape, ("number", ["a-9"]))]), module)
    guard = module["number_has_shape"]
    assert [guard({"number": "INV-1"}), guard({"number": "1"})] == [True, False]
