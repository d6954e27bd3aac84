"""The end of a run on the test rows: what goes wrong there is told in full."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.run import test_phase
from pipeline.workers.places import Place
from pipeline.workers.pool import Finished
from pipeline.workers.slots import Slot
from tests.fakes import summary_of


class Losing:
    """Workers that have no answer."""

    def run(self, work: Any, jobs: Any, limit: Any, needs: Any) -> Any:
        for job in jobs:
            assert limit(job) == 9.0
            yield Finished(job, Place(0, Slot("cpu:0", (0,))), None, "killed its worker 3 times")


def test_models_that_cannot_be_tested_end_the_run_with_their_key_and_the_reason():
    summary = summary_of({"units": (8,)}, 0.5)
    with pytest.raises(UserError) as caught:
        test_phase._answers(None, [summary], Losing(), 9.0, ())  # type: ignore[arg-type]
    lines = str(caught.value).splitlines()
    assert summary.key in lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["Expected", "Got", "Try"]
    assert "killed its worker 3 times" in lines[2]
