import os

import pytest

from rowen.provider.weights import Folder, default_place
from rowen.values import Problem


@pytest.fixture(scope="session")
def shipped():
    """The real models folder; `shipped(name)` gives it once the model in it is whole."""
    folder = Folder(default_place())

    def whole(name: str) -> Folder:
        try:
            folder.find(name)
        except Problem as problem:
            message = f"THE WEIGHTS OF {name} ARE NOT HERE: run `rowen models add {name}`. ({problem.message})"
            if os.environ.get("ROWEN_TEST_LOCAL") == "1":
                pytest.fail(message)
            pytest.skip(message)
        return folder

    return whole
