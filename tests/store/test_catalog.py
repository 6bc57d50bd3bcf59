import pytest

from rowen.store.catalog import open_store
from rowen.values import Mistaken


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlit:.rowen", "did you mean `sqlite:`"),
        ("redis://host", "no store of the kind 'redis'"),
        (".rowen", "looks like `sqlite:FOLDER`"),
        ("sqlite:", "lacks the folder"),
        ("sqlite:.rowen?bussy_ms=5", "bussy_ms"),
        ("sqlite:.rowen?busy_ms=soon", "busy_ms"),
        ("memory:here", "write `memory:`"),
    ],
)
async def test_an_address_that_is_wrong_is_a_clear_mistake(url, said, clock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Mistaken) as caught:
        await open_store(url, clock=clock)

    assert caught.value.code == "config_invalid"
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []
