from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.errors import ArtifactError, DataError, OutputError, ParameterError, PrivacyError
from synthx_privacy import fingerprints
from synthx_privacy.accounting import Selection, Slack, epsilon_of, gaussian, sampled_gaussian, stable_histogram
from synthx_privacy.encoding import event_from_dict, event_to_dict
from synthx_privacy.fingerprints import check_refit, data_digest, fingerprint, ledger_of, remember
from synthx_privacy.ledger import Account, Entry, Ledger
from synthx_privacy.privacy import Privacy

DELTA = 1e-6
PLAN = {"count": gaussian(50), "histograms": gaussian(8), "tree": Selection(0.05)}
PRIVACY = Privacy(epsilon=1, delta=DELTA)


class CrashError(Exception):
    """What a body may raise."""


def opened(ledger: Ledger, fit: str = "mst") -> Account:
    return ledger.open(PRIVACY, PLAN, fit=fit, delta=DELTA)


# -- plans -------------------------------------------------------------------------------------------------------------


def test_a_plan_is_reserved_at_once() -> None:
    ledger = Ledger()
    account = opened(ledger)
    assert [(entry.phase, entry.spent) for entry in ledger.entries] == [
        ("count", False),
        ("histograms", False),
        ("tree", False),
    ]
    assert ledger.epsilon() == epsilon_of(PLAN.values(), DELTA) <= 1
    assert account.plan == PLAN
    assert account.deviation("histograms", sensitivity=3) == 24


def test_a_plan_above_its_budget_is_refused_whole() -> None:
    ledger = Ledger()
    with pytest.raises(PrivacyError, match=r"the plan of 'mst' costs epsilon .*, more than the budget of 1; plan more"):
        ledger.open(PRIVACY, {**PLAN, "more": gaussian(5)}, fit="mst", delta=DELTA)
    assert ledger.entries == ()


def test_accounts_of_one_fit_share_its_budget() -> None:
    ledger = Ledger()
    with ledger.open(PRIVACY, {"count": gaussian(5)}, fit="mst", delta=DELTA) as account, account.charge("count"):
        pass
    with pytest.raises(PrivacyError, match="more than the budget"):
        ledger.open(PRIVACY, {"rest": gaussian(5)}, fit="mst", delta=DELTA)
    ledger.open(PRIVACY, {"rest": gaussian(5)}, fit="another", delta=DELTA)
    with pytest.raises(PrivacyError, match="phase 'count' of 'mst' is in the ledger already"):
        ledger.open(PRIVACY, {"count": gaussian(100)}, fit="mst", delta=DELTA)


def test_the_limit_over_all_fits() -> None:
    ledger = Ledger(epsilon=0.6, delta=DELTA)
    opened(ledger)
    before = ledger.entries
    with pytest.raises(PrivacyError, match=r"with 'second' the ledger would stand at epsilon .*, above its limit 0.6"):
        opened(ledger, "second")
    assert ledger.entries == before
    assert ledger.remaining == 0.6 - ledger.epsilon()
    assert Ledger().remaining == math.inf


def test_units_do_not_mix() -> None:
    ledger = Ledger()
    opened(ledger)
    with pytest.raises(PrivacyError, match="the ledger keeps the privacy of 'row' and the fit that of 'patient'"):
        ledger.open(Privacy(epsilon=1, unit="patient"), PLAN, fit="b", delta=DELTA)


@pytest.mark.parametrize(("epsilon", "delta"), [(0, None), (math.inf, None), (1, 0.0), (1, 0.5)])
def test_limits_out_of_range(epsilon: float, delta: float | None) -> None:
    with pytest.raises(ParameterError):
        Ledger(epsilon, delta)


def test_fits_get_names_of_their_own() -> None:
    ledger = Ledger()
    assert ledger.fit_name("mst") == "mst"
    opened(ledger, "mst")
    opened(ledger, ledger.fit_name("mst"))
    assert ledger.fit_name("mst") == "mst 3"
    assert ledger.epsilon(fit="mst") == epsilon_of(PLAN.values(), DELTA)
    assert ledger.epsilon() > ledger.epsilon(fit="mst")


def test_an_empty_plan_and_a_wrong_delta() -> None:
    with pytest.raises(PrivacyError, match="is empty"):
        Ledger().open(PRIVACY, {}, fit="a", delta=DELTA)
    with pytest.raises(PrivacyError, match="delta is 0"):
        Ledger().open(PRIVACY, PLAN, fit="a", delta=0)
    with pytest.raises(PrivacyError, match="more than the budget"):
        Ledger().open(PRIVACY, {"levels": stable_histogram(50, DELTA)}, fit="a", delta=DELTA)


# -- charging ----------------------------------------------------------------------------------------------------------


def test_what_was_never_begun_is_freed() -> None:
    ledger = Ledger()
    with opened(ledger) as account, account.charge("histograms"):
        pass
    assert ledger.entries == (Entry("mst", "histograms", PLAN["histograms"], "row", spent=True),)
    with pytest.raises(PrivacyError, match="the account of 'mst' is closed"), account.charge("count"):
        pass


def test_a_phase_is_charged_once_and_planned() -> None:
    account = opened(Ledger())
    with account.charge("count"):
        pass
    with pytest.raises(PrivacyError, match="'count' of 'mst' is charged already"), account.charge("count"):
        pass
    with pytest.raises(PrivacyError, match="'marginals' is not in the plan of 'mst'"):
        account.charge("marginals")


@pytest.mark.parametrize("error", [CrashError, KeyboardInterrupt, SystemExit, MemoryError])
def test_what_failed_stays_charged(error: type[BaseException]) -> None:
    ledger = Ledger()
    with pytest.raises(error), opened(ledger) as account, account.charge("histograms"):
        assert [entry.phase for entry in ledger.entries] == ["count", "histograms", "tree"]
        raise error
    assert ledger.entries == (Entry("mst", "histograms", PLAN["histograms"], "row", spent=False),)
    assert ledger.epsilon() == epsilon_of([PLAN["histograms"]], DELTA)


def descent(ledger: Ledger, taken: int, error: type[BaseException] | None = None) -> None:
    plan = {"descent": sampled_gaussian(0.01, 2, 50)}
    with ledger.open(PRIVACY, plan, fit="gan", delta=DELTA) as account, account.charge("descent") as charge:
        for _ in range(taken):
            charge.step()
        if error is not None:
            raise error


def test_steps_not_taken_are_given_back() -> None:
    ledger = Ledger()
    descent(ledger, 20)
    assert ledger.entries[0].event == sampled_gaussian(0.01, 2, 20)
    assert ledger.entries[0].spent


def test_an_interrupt_gives_back_what_was_not_begun() -> None:
    ledger = Ledger()
    with pytest.raises(KeyboardInterrupt):
        descent(ledger, 20, KeyboardInterrupt)
    assert ledger.entries[0].event == sampled_gaussian(0.01, 2, 20)
    assert not ledger.entries[0].spent


def test_a_crash_costs_the_whole_plan() -> None:
    ledger = Ledger()
    with pytest.raises(CrashError):
        descent(ledger, 20, CrashError)
    assert ledger.entries[0].event == sampled_gaussian(0.01, 2, 50)


def test_a_step_beyond_the_plan_is_refused_before_it_is_taken() -> None:
    ledger = Ledger()
    with pytest.raises(PrivacyError, match="'descent' has taken all its planned steps"):
        descent(ledger, 51)
    assert ledger.entries[0].event == sampled_gaussian(0.01, 2, 50)


def test_steps_that_somebody_else_counts() -> None:
    ledger = Ledger()
    taken = 0
    account = ledger.open(PRIVACY, {"descent": sampled_gaussian(0.01, 2, 50)}, fit="gan", delta=DELTA)
    with account.charge("descent", steps=lambda: taken):
        taken = 7
    assert ledger.entries[0].event == sampled_gaussian(0.01, 2, 7)


def test_steps_uncounted_cost_the_whole_plan() -> None:
    ledger = Ledger()
    descent(ledger, 0)
    assert ledger.entries[0].event == sampled_gaussian(0.01, 2, 50)


def test_a_gaussian_is_split_at_equal_cost() -> None:
    ledger = Ledger()
    account = opened(ledger)
    whole = ledger.epsilon()
    names = account.split("histograms", 4)
    assert names == tuple(f"histograms/{part}" for part in (1, 2, 3, 4))
    assert account.deviation(names[0]) == pytest.approx(16)
    assert ledger.epsilon() == pytest.approx(whole, rel=1e-9)
    assert ledger.epsilon() <= whole
    with pytest.raises(PrivacyError):
        account.split("histograms", 2)
    with pytest.raises(PrivacyError, match="no Gaussian noise"):
        account.split("tree", 2)


@settings(max_examples=40)
@given(
    ends=st.lists(st.sampled_from(["well", "crash", "interrupt", "never"]), min_size=3, max_size=3),
    closes=st.booleans(),
    taken=st.integers(0, 12),
)
def test_spent_never_exceeds_the_budget_at_any_stop(ends: list[str], closes: bool, taken: int) -> None:
    plan = {"count": gaussian(40), "descent": sampled_gaussian(1.0, 30, 12), "tree": Selection(0.1)}
    asked = epsilon_of(plan.values(), DELTA)
    ledger = Ledger(epsilon=asked, delta=DELTA)
    account = ledger.open(Privacy(epsilon=asked), plan, fit="gan", delta=DELTA)
    errors = {"crash": CrashError, "interrupt": KeyboardInterrupt}
    for phase, end in zip(plan, ends, strict=True):
        if end == "never":
            continue
        try:
            with account.charge(phase) as charge:
                for _ in range(taken if phase == "descent" else 0):
                    charge.step()
                if end in errors:
                    raise errors[end]
        except (CrashError, KeyboardInterrupt):
            pass
        assert ledger.epsilon() <= asked
    if closes:
        account.close()
    begun = [plan[phase] for phase, end in zip(plan, ends, strict=True) if end != "never" and phase != "descent"]
    assert epsilon_of(begun, DELTA) <= ledger.epsilon() <= asked


# -- files and copies --------------------------------------------------------------------------------------------------

EVENTS = [
    gaussian(1 / 3),
    sampled_gaussian(0.1, 1.7, 33),
    stable_histogram(12.5, 1e-7),
    Selection(0.1),
    Slack(1e-9),
]


@pytest.mark.parametrize("event", EVENTS)
def test_events_come_back_from_json(event: object) -> None:
    assert event_from_dict(json.loads(json.dumps(event_to_dict(event)))) == event


def test_other_events_come_back_too() -> None:
    import dp_accounting as dp

    for event in (dp.NoOpDpEvent(), dp.NonPrivateDpEvent(), dp.LaplaceDpEvent(2.0)):
        assert event_from_dict(json.loads(json.dumps(event_to_dict(event)))) == event
    with pytest.raises(ArtifactError, match="cannot be written"):
        event_to_dict(dp.UnsupportedDpEvent())
    for wrong in ({}, {"kind": "magic"}, {"kind": "gaussian"}, {"kind": "selection", "epsilon": -1}):
        with pytest.raises(ArtifactError, match="which is no event"):
            event_from_dict(wrong)


def test_a_ledger_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = Ledger(epsilon=5, delta=DELTA)
    ledger.check_data([b"abc"])
    with opened(ledger) as account, account.charge("count"):
        pass
    ledger.save(path)
    again = Ledger.load(path)
    assert again.to_dict() == ledger.to_dict()
    assert again.epsilon() == ledger.epsilon()
    assert again.entries == ledger.entries
    again.check_data([b"abc"])
    assert path.stat().st_mode & 0o077 == 0


def test_a_reservation_is_on_disk_before_its_query_runs(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    Ledger().save(path)
    ledger = Ledger.load(path)
    account = opened(ledger)
    with account.charge("count"):
        assert Ledger.load(path).epsilon() == ledger.epsilon() > 0
    account.close()
    assert [entry.phase for entry in Ledger.load(path).entries] == ["count"]


def test_a_file_that_another_process_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    Ledger().save(path)
    here, there = Ledger.load(path), Ledger.load(path)
    opened(there)
    with pytest.raises(PrivacyError, match="was changed by another process; load it again"):
        opened(here)
    assert here.entries == ()
    path.unlink()
    with pytest.raises(OutputError, match="cannot be written"):
        opened(here, "b")


def test_files_that_hold_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    with pytest.raises(DataError, match="cannot be read"):
        Ledger.load(path)
    for text in ("{", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "epsilon": null, "delta": null}'):
        path.write_text(text)
        with pytest.raises(ArtifactError):
            Ledger.load(path)
    with pytest.raises(OutputError):
        Ledger().save(tmp_path / "nowhere" / "ledger.json")


def test_the_public_ledger_knows_no_data() -> None:
    ledger = Ledger()
    ledger.check_data([b"abc"])
    opened(ledger)
    public = ledger.public()
    assert public.of_data is None
    assert public.entries == ledger.entries
    assert ledger.of_data is not None
    assert ledger.of_data not in json.dumps(public.to_dict())


def test_copies_are_the_same_ledger_and_pickles_are_refused() -> None:
    ledger = Ledger()
    assert copy.copy(ledger) is ledger
    assert copy.deepcopy({"a": ledger})["a"] is ledger
    with pytest.raises(PrivacyError, match="cannot be pickled"):
        pickle.dumps(ledger)


# -- data --------------------------------------------------------------------------------------------------------------


def test_a_ledger_refuses_other_data() -> None:
    ledger = Ledger()
    ledger.check_data([b"age", b"\x01\x02"])
    ledger.check_data(iter([b"age", bytearray(b"\x01\x02")]))
    for other in ([b"age", b"\x01\x03"], [b"age\x01", b"\x02"], [b"age"], []):
        with pytest.raises(PrivacyError, match="the ledger belongs to other data"):
            ledger.check_data(other)


def test_digests_need_their_key() -> None:
    assert fingerprint([b"a"], b"1") != fingerprint([b"a"], b"2")
    assert fingerprint([b"a", b"b"], b"1") != fingerprint([b"ab"], b"1")
    one, two = Ledger(), Ledger()
    one.check_data([b"a"])
    two.check_data([b"a"])
    assert one.of_data != two.of_data


def test_a_second_fit_needs_the_ledger_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "_LEDGERS", {})
    digest, first = data_digest([b"rows"]), Ledger()
    assert ledger_of(digest) is None
    check_refit(digest, Privacy(epsilon=1))
    opened(first)
    remember(digest, first)
    assert ledger_of(data_digest([b"rows"])) is first
    check_refit(digest, Privacy(epsilon=1, ledger=first))
    check_refit(digest, Privacy(epsilon=1, new_budget=True))
    check_refit(data_digest([b"other rows"]), Privacy(epsilon=1))
    for privacy in (Privacy(epsilon=1), Privacy(epsilon=1, ledger=Ledger())):
        with pytest.raises(PrivacyError, match="was fitted to this data before"):
            check_refit(digest, privacy)
