"""The first commands of a process may come from many threads at once."""

import json
import subprocess
import sys

from recorded_log import recorded_log

FIRST_AT_ONCE = """
import json
import sys
from threading import Barrier, Thread

from ordertrail.application.results import read_result
from ordertrail.domain import Policy, default_policy_toml
from ordertrail.domain.commands import parse

sys.setswitchinterval(1e-6)
THREADS = 8


def all_at_once(use):
    ready = Barrier(THREADS)

    def act():
        ready.wait()
        use()

    threads = [Thread(target=act) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


content = default_policy_toml()
for line in sys.stdin:
    command = json.loads(line)
    all_at_once(lambda: parse(command))
all_at_once(lambda: Policy.from_toml(content))
units = '{"order_id": "O1", "item_id": "A", "quantity": 1}'
all_at_once(lambda: read_result(f'{{"status": "rejected", "cascade": [{units}]}}'))
print("done")
"""


def test_what_a_process_uses_first_many_threads_may_use_at_once():
    lines = [line for line in recorded_log(40).splitlines() if b'"command":"' in line and line.endswith(b"}")]
    one_of_each = {json.loads(line)["command"]: line for line in lines}
    log = b"\n".join(one_of_each.values())
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", FIRST_AT_ONCE], input=log, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, b"done\n"), done.stderr.decode()
