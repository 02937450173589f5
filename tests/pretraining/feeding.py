"""Feed from a store of any size, and write how much memory each part of it took.

Run as `python -m tests.pretraining.feeding STORE ENCODER N_GROUPS`.
"""

import json
import re
import sys
import threading
from contextlib import closing
from itertools import islice
from pathlib import Path

from spacy_biobert.pretraining import feed as feed_module
from spacy_biobert.pretraining.ahead import Ahead
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import Place, open_feed
from spacy_biobert.pretraining.start import start_weights

from .runs import CONFIG, overrides

STATUS = Path("/proc/self/status")
# Small groups take little time, and what grows with the store shows beside them.
GROUP_PIECES = 1 << 22
# Of the batches that are planned, one in so many is made.
MADE = 20


class Watch(threading.Thread):
    """Notes the most anonymous memory: what is mapped from files does not count."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._before = self._most = anonymous_megabytes()
        self._done = threading.Event()

    def taken(self) -> float:
        """The most since the last call, beyond what there was at the start."""
        most, self._most = self._most, anonymous_megabytes()
        return most - self._before

    def run(self) -> None:
        while not self._done.wait(0.01):
            self._most = max(self._most, anonymous_megabytes())

    def close(self) -> None:
        self._done.set()
        self.join()


def anonymous_megabytes() -> float:
    found = re.search(r"RssAnon:\s+(\d+) kB", STATUS.read_text())
    assert found is not None
    return int(found[1]) / 1000


def feed_from(store: Path, encoder: Path, n_groups: int) -> dict[str, float]:
    """Do what a run does with its data; give the megabytes that each part took.

    What is likely to take most comes last: memory that was freed is used again.
    """
    changes = overrides(
        store, encoder, network__init="svd", objective__max_pieces=128,
        network__positions=128, training__batch_pieces=8192,
    )  # fmt: skip
    feed_module.GROUP_PIECES = GROUP_PIECES
    took: dict[str, float] = {}
    with closing(Watch()) as watch:
        watch.start()
        feed = open_feed(read_config(CONFIG, changes))
        took["open"] = watch.taken()
        feed.held_out_batches()
        took["ask"] = watch.taken()
        with closing(Ahead(feed.groups(Place()), n_items=1)) as groups:
            for planned in islice(groups, n_groups):
                for batch in planned[::MADE]:
                    batch.make()
        took["feed"] = watch.taken()
        start_weights(feed.config, feed)
        took["count"] = watch.taken()
    return took


if __name__ == "__main__":
    _, folder, tokenizer, number = sys.argv
    figures = feed_from(Path(folder), Path(tokenizer), int(number))
    sys.stdout.write(json.dumps(figures))
