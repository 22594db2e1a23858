"""Does the checker of histories see every lie, and believe what is true?"""

import pytest

from nemesis.history import SECOND, Command, Death, End, History, Sight, check, version_of

NOW = 1_520_023_934 * SECOND
ID = b"kiwi"


def at(second):
    return NOW + second * SECOND


def line_of(time, location=b"+34-118"):
    return b"IAMAT %s %s %s" % (ID, location, time)


def at_line(server, time, received_ns, location=b"+34-118"):
    difference = received_ns - int(time) * SECOND
    whole, fraction = divmod(abs(difference), SECOND)
    sign = b"-" if difference < 0 else b"+"
    return b"AT %s %s%d.%09d %s %s %s\n" % (server, sign, whole, fraction, ID, location, time)


OLD = at_line(b"Hands", b"1520023930", at(1))
NEW = at_line(b"Welsh", b"1520023931", at(3))


def report(time, second, answer, gateway="gateway"):
    return Command(gateway, line_of(time), at(second), at(second) + SECOND // 2, answer)


def read(second, answer):
    return Command("gateway", b"WHATSAT %s 1 0" % ID, at(second), at(second) + SECOND // 2, answer)


def sight(server, second, line, incarnation=7):
    version = line and version_of(line)
    return Sight(server, incarnation, ID, at(second), at(second) + SECOND // 2, version)


def true_history():
    """Two reports, at Hands and at Welsh, are read and seen while Wilkes dies and comes back."""
    history = History(["Hands", "Welsh", "Wilkes"], answer_within_s=2)
    history.commands = [
        report(b"1520023930", 1, OLD),
        read(2, OLD),
        report(b"1520023931", 3, NEW),
        read(4, NEW),
        read(5, b"? WHATSAT kiwi 1 0\n"),
    ]
    history.sights = [
        sight("Hands", 2, OLD),
        sight("Wilkes", 2, OLD, incarnation=1),
        sight("Hands", 4, NEW),
        sight("Welsh", 4, NEW),
        sight("Wilkes", 6, None, incarnation=2),
        sight("Wilkes", 8, NEW, incarnation=2),
    ]
    history.deaths = [Death("Wilkes", at(5), at(5) + 1)]
    history.ends = {server: End("d", {ID: version_of(NEW)}) for server in ("Hands", "Welsh", "Wilkes")}
    return history


def violations(history):
    return {one.split(":", 1)[0] for one in check(history)}


def test_a_true_history_has_no_violation():
    assert check(true_history()) == []


def test_a_command_without_an_answer_is_a_violation():
    history = true_history()
    history.commands.append(report(b"1520023932", 6, None))
    assert violations(history) == {"every_command_is_answered_in_time"}


def test_a_command_may_lose_its_answer_with_its_gateway():
    history = true_history()
    history.commands.append(report(b"1520023932", 6, None))
    history.deaths.append(Death("gateway", at(6) + 1, at(6) + 2))
    assert check(history) == []


def test_an_answer_after_the_deadline_is_a_violation():
    history = true_history()
    history.commands.append(read(6, NEW)._replace(answered_ns=at(9)))
    assert violations(history) == {"every_command_is_answered_in_time"}


def test_what_answers_nothing_is_a_violation():
    history = true_history()
    history.surplus.append(("gateway", b"AT"))
    assert violations(history) == {"nothing_is_answered_that_was_not_asked"}


@pytest.mark.parametrize(
    "answer",
    [
        NEW.replace(ID, b"kiwi2"),
        NEW.replace(b"+34-118", b"+34-117"),
        NEW.replace(b" 1520023931", b" 1520023931.0"),
        NEW.replace(b"Welsh", b"Campbell"),
        b"? IAMAT kiwi\n",
        b"nonsense\n",
        at_line(b"Welsh", b"1520023931", at(2)),
        at_line(b"Welsh", b"1520023931", at(4)),
    ],
    ids=["id", "location", "time", "server", "refusal", "no-answer", "received-before", "received-after"],
)
def test_an_answer_to_something_else_is_a_violation(answer):
    history = true_history()
    history.commands = [report(b"1520023931", 3, answer)]
    history.sights, history.ends = [], {server: End("d", {}) for server in history.ends}
    assert violations(history) >= {"nothing_is_answered_that_was_not_asked"}


@pytest.mark.parametrize(
    "invented",
    [
        at_line(b"Welsh", b"1520023933", at(3)),
        at_line(b"Welsh", b"1520023931", at(3), b"+35-118"),
        at_line(b"Campbell", b"1520023931", at(3)),
        at_line(b"Welsh", b"1520023931", at(2)),
        at_line(b"Welsh", b"1520023931", at(30)),
    ],
    ids=["time", "location", "server", "received-before", "received-after"],
)
@pytest.mark.parametrize("where", ["by a client", "at a node"])
def test_reading_what_nobody_reported_is_a_violation(invented, where):
    history = true_history()
    if where == "by a client":
        history.commands.append(read(9, invented))
    else:
        history.sights.append(sight("Wilkes", 9, invented, incarnation=3))
    assert "what_is_read_was_accepted" in violations(history)


def test_a_report_whose_answer_was_lost_may_be_read():
    history = true_history()
    history.commands.append(report(b"1520023932", 6, None))
    history.deaths.append(Death("gateway", at(6) + 1, at(6) + 2))
    stored = at_line(b"Hands", b"1520023932", at(7))
    history.commands.append(read(9, stored))
    history.ends = {server: End("d", {ID: version_of(stored)}) for server in history.ends}
    assert check(history) == []


@pytest.mark.parametrize("later", [OLD, None], ids=["older", "forgotten"])
def test_an_id_that_goes_back_is_a_violation(later):
    history = true_history()
    history.sights.append(sight("Wilkes", 9, later, incarnation=2))
    assert violations(history) == {"on_one_incarnation_an_id_never_goes_back"}


def test_a_new_incarnation_may_know_less():
    history = true_history()
    history.sights.append(sight("Wilkes", 9, OLD, incarnation=3))
    assert check(history) == []


def test_of_equal_times_the_lesser_server_is_a_step_back():
    tie = [at_line(b"Welsh", b"1520023931", at(3)), at_line(b"Hands", b"1520023931", at(3))]
    history = true_history()
    history.commands.append(report(b"1520023931", 3, tie[1]))
    history.sights.append(sight("Wilkes", 9, tie[1], incarnation=2))
    assert violations(history) == {"on_one_incarnation_an_id_never_goes_back"}


@pytest.mark.parametrize("later", [OLD, None], ids=["older", "nothing"])
def test_a_node_that_does_not_hold_what_it_accepted_is_a_violation(later):
    history = true_history()
    history.sights.append(sight("Welsh", 4, later, incarnation=8))
    assert violations(history) == {"a_node_holds_what_it_accepted"}


def test_a_node_that_died_need_not_hold_what_it_accepted():
    history = true_history()
    history.deaths.append(Death("Welsh", at(4), at(4) + 1))
    history.sights.append(sight("Welsh", 5, None, incarnation=8))
    assert check(history) == []


def test_what_a_node_accepts_after_its_death_binds_it():
    history = true_history()
    history.deaths.append(Death("Welsh", at(4), at(4) + 1))
    younger = at_line(b"Welsh", b"1520023929", at(6))
    history.commands.append(report(b"1520023929", 6, younger))
    history.sights.append(sight("Welsh", 7, None, incarnation=8))
    assert violations(history) == {"a_node_holds_what_it_accepted"}


def test_different_digests_in_the_end_are_a_violation():
    history = true_history()
    history.ends["Hands"] = End("e", history.ends["Hands"].held)
    assert violations(history) == {"after_quiet_all_are_equal"}


def test_different_reports_behind_equal_digests_are_a_violation():
    history = true_history()
    history.deaths += [Death(server, at(9), at(9) + 1) for server in ("Hands", "Welsh", "Wilkes")]
    history.ends["Hands"] = End("d", {ID: version_of(OLD)})
    assert violations(history) == {"after_quiet_all_are_equal"}


def test_a_node_that_nobody_asked_in_the_end_is_a_violation():
    history = true_history()
    del history.ends["Hands"]
    assert violations(history) == {"after_quiet_all_are_equal"}


@pytest.mark.parametrize("held", [{ID: version_of(OLD)}, {}], ids=["older", "nothing"])
def test_a_herd_that_forgets_what_a_living_node_accepted_is_a_violation(held):
    history = true_history()
    history.ends = {server: End("d", held) for server in history.ends}
    assert violations(history) == {"what_a_living_node_knew_is_never_lost"}


def test_a_herd_may_forget_what_only_the_dead_knew():
    history = true_history()
    history.sights = [one for one in history.sights if one.version != version_of(NEW)]
    history.deaths.append(Death("Welsh", at(4), at(4) + 1))
    history.ends = {server: End("d", {ID: version_of(OLD)}) for server in history.ends}
    assert check(history) == []


def test_a_herd_that_forgets_what_a_living_node_was_seen_to_hold_is_a_violation():
    history = true_history()
    history.deaths.append(Death("Welsh", at(4), at(4) + 1))
    history.ends = {server: End("d", {ID: version_of(OLD)}) for server in history.ends}
    assert violations(history) == {"what_a_living_node_knew_is_never_lost"}
