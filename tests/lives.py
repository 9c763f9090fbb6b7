"""Made-up lives of several orders, written by an `Author`.

`command_logs` are whole logs, for tests that drive something other than a `Book` with them; `Lives` is the state
machine, which checks what `witness` says must always hold, and that `offers` are kept.
"""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from author import Author, stamp
from offers import options_agree
from ordertrail.domain import default_policy_toml
from ordertrail.domain.deadlines import next_deadline
from witness import Witnessed

FEES = (
    default_policy_toml()
    .replace('version = "1"', 'version = "with-fees"')
    .replace("fee_minor = {}", "fee_minor = { USD = 300, JPY = 40 }")
    .replace("category_window_days = {}", "category_window_days = { electronics = 14 }")
)
"""Another policy: refusing costs a fee, and electronics go back within 14 days."""


@st.composite
def command_logs(draw, min_size=5, max_size=40):
    """A whole log of commands, each plausible after the ones before it, and the `Book` that they make."""
    book = Witnessed()
    author = Author(book)
    log = []
    for _ in range(draw(st.integers(min_size, max_size))):
        log.append(author.command(draw))
        book.run_raw(log[-1])
    return log, book


class Lives(RuleBasedStateMachine):
    """Whole lives of up to six orders."""

    def __init__(self):
        super().__init__()
        self.book = Witnessed()
        self.author = Author(self.book)
        self.log = []
        self.sound = True

    def run(self, raw):
        """Run a command, which the witness watches."""
        self.sound = False
        result = self.book.watched(raw)
        self.sound = True
        return result

    @initialize(data=st.data())
    def first_orders(self, data):
        for _ in range(2):
            self.happens(*self.author.place(data.draw))

    def happens(self, name, fields):
        self.author.written += 1
        raw = {"command": name, "command_id": f"c-{self.author.written}", "at": stamp(self.author.now), **fields}
        self.log.append(raw)
        return self.run(raw)

    def next(self, data):
        raw = self.author.command(data.draw)
        self.log.append(raw)
        return self.run(raw)

    # Several rules of one kind make it the likelier one.

    @rule(data=st.data())
    def something_happens(self, data):
        self.next(data)

    @rule(data=st.data())
    def something_else_happens(self, data):
        self.next(data)

    @rule(data=st.data())
    def and_then(self, data):
        self.next(data)
        self.next(data)

    @rule(data=st.data(), days=st.sampled_from([0, 0, 3, 40]))
    def a_command_is_repeated(self, data, days):
        raw = data.draw(st.sampled_from(self.log))
        journal, facts = dict(self.book.journal), self.book.facts()
        later = stamp(datetime.fromisoformat(raw["at"]) + timedelta(days))
        result = self.run(raw | {"at": later})
        first = self.book.journal[raw["command_id"]][1]
        assert (result["status"], result["first"], result["events"]) == ("duplicate", first, [])
        assert (self.book.journal, self.book.facts()) == (journal, facts)

    @rule(data=st.data())
    def an_id_is_used_again_for_something_else(self, data):
        used = data.draw(st.sampled_from(self.log))
        raw = self.author.command(data.draw) | {"command_id": used["command_id"]}
        if {k: v for k, v in raw.items() if k != "at"} != {k: v for k, v in used.items() if k != "at"}:
            result = self.run(raw)
            assert (result["status"], result["rule"]) == ("rejected", "ORDER-0"), result

    @rule(data=st.data())
    def a_buyer_looks_at_the_options(self, data):
        order = data.draw(st.sampled_from(self.author.orders() or [None]))
        if order is not None:
            options_agree(self.book, order.order_id, self.author.later(data.draw))

    @rule(data=st.data())
    def a_clock_runs(self, data):
        at = self.author.later(data.draw)
        due = {order_id for order_id, deadline in self.book.due.items() if deadline < at}
        result = self.happens("pass-time", {})
        assert result["status"] == "accepted"
        assert due <= set(result["order_ids"])
        assert all(deadline >= at for deadline in self.book.due.values()), "nothing is due any more"

    @rule(toml=st.sampled_from([default_policy_toml(), FEES]))
    def a_policy_comes_into_force(self, toml):
        self.book.use_policy(toml)

    @invariant()
    def the_index_of_deadlines_is_true(self):
        orders = self.author.orders()
        assert self.book.due == {o.order_id: d.at for o in orders if (d := next_deadline(o)) is not None}

    def teardown(self):
        if self.sound:
            self.book.comes_to_an_end(self.author.now)
