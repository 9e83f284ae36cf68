"""Who waits for news of a branch is woken by it, and never waits for what came before it waited."""

import time

import eventlet

from shared.web.branch_notifier import BranchNotifier


def test_what_is_notified_between_the_look_and_the_wait_is_not_waited_out() -> None:
    notifier = BranchNotifier()
    count = notifier.count("b")
    notifier.notify("b")
    began = time.monotonic()
    assert notifier.wait("b", count, 5)
    assert time.monotonic() - began < 1


def test_all_who_wait_for_the_branch_are_woken_and_nobody_else() -> None:
    notifier = BranchNotifier()
    woken: list[str] = []

    def wait(branch: str) -> None:
        if notifier.wait(branch, notifier.count(branch), 0.2):
            woken.append(branch)

    threads = [eventlet.spawn(wait, branch) for branch in ("a", "b", "a")]
    eventlet.sleep(0)
    notifier.notify("a")
    for thread in threads:
        thread.wait()
    assert woken == ["a", "a"]
    assert not notifier.wait("a", notifier.count("a"), 0.01)
