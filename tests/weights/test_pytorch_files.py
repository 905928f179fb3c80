"""Files of torch.save, read and written without PyTorch."""

import argparse
import collections
import contextlib
import datetime
import gzip
import os
import pathlib
import random
import zipfile

import numpy as np
import pytest
import torch

from cnnzoo.errors import UserError
from cnnzoo.weights.formats import torch_pth
from cnnzoo.weights.weight_file import open_weight_file

pytestmark = pytest.mark.slow


def contents(path):
    with open_weight_file(path) as checkpoint:
        return {name: (tensor.shape, tensor.dtype, tensor.values()) for name, tensor in checkpoint.tensors.items()}


def matches(path, state):
    found = contents(path)
    assert set(found) == set(state)
    for name, values in state.items():
        shape, dtype, ours = found[name]
        assert shape == tuple(values.shape)
        assert dtype == str(values.dtype).removeprefix("torch.")
        assert np.array_equal(ours, values.detach().to(torch.float32).numpy()), name


def various():
    """Every type, and every way to lie in memory."""
    numbers = torch.arange(120, dtype=torch.float32) / 7
    return {
        "plain": numbers.reshape(2, 3, 4, 5).clone(),
        "transposed": numbers.reshape(10, 12).T,
        "channels_last": numbers.reshape(1, 6, 4, 5).to(memory_format=torch.channels_last),
        "from_the_middle": numbers[17:37].reshape(4, 5),
        "every_third": numbers[5::3],
        "one_number": torch.tensor(3.5),
        "nothing": torch.zeros(0, 3),
        "half": numbers.half(),
        "bfloat": numbers.bfloat16(),
        "double": numbers.double() / 3,
        "count": torch.tensor(12345),
        "bytes": torch.tensor([1, 255], dtype=torch.uint8),
        "shorts": torch.tensor([-3, 4], dtype=torch.int16),
        "flags": torch.tensor([True, False]),
        "parameter": torch.nn.Parameter(numbers[:6].clone()),
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"_use_new_zipfile_serialization": False},
        {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
        {"pickle_protocol": 4},
    ],
)
def test_every_type_and_layout_is_read_in_either_format(options, tmp_path):
    torch.save(collections.OrderedDict(various()), tmp_path / "a.pth", **options)
    matches(tmp_path / "a.pth", various())


def sgd_state(net):
    """Return what ``torch.optim.SGD.state_dict`` returns after a step.

    It is written by hand because torch's optimizers load triton, which crashes in a process that has loaded TensorFlow.
    """
    parameters = list(net.parameters())
    return {
        "state": {n: {"momentum_buffer": torch.ones_like(values)} for n, values in enumerate(parameters)},
        "param_groups": [{"lr": 0.1, "momentum": 0.9, "foreach": None, "params": list(range(len(parameters)))}],
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_is_found_alone_or_in_a_checkpoint_of_a_training(zipped, tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    net(torch.randn(2, 3, 8, 8))  # counts a batch
    state = net.state_dict()
    whole = {"epoch": 3, "best": 0.5, "arch": None, "done": True, "state_dict": state}
    whole["optimizer"] = sgd_state(net)
    for name, value in {"alone": state, "whole": whole}.items():
        torch.save(value, tmp_path / name, _use_new_zipfile_serialization=zipped)
        matches(tmp_path / name, state)


class Calls:
    def __init__(self, function, *arguments):
        self.pair = (function, arguments)

    def __reduce__(self):
        return self.pair


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_is_called(zipped, tmp_path):
    marker = tmp_path / "called"
    for evil in (
        Calls(os.mkdir, str(marker)),
        Calls(eval, f"__import__('os').mkdir({str(marker)!r})"),
        Calls(collections.OrderedDict, [("a", Calls(os.mkdir, str(marker)))]),
    ):
        torch.save({"weight": torch.ones(2), "more": evil}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        with open_weight_file(tmp_path / "a.pth") as checkpoint:
            assert (set(checkpoint.tensors), checkpoint.left_out) == ({"weight"}, ("more",))
    assert not marker.exists()


class Own(collections.OrderedDict):
    pass


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 5}])
def test_everything_beside_a_state_dict_is_left_out_and_listed(options, tmp_path):
    beside = {
        "args": argparse.Namespace(lr=0.1, nested=argparse.Namespace(a=[1])),
        "best": np.float64(71.2),
        "array": np.arange(4),
        "device": torch.device("cuda"),
        "path": pathlib.PurePosixPath("/x"),
        "default": collections.defaultdict(list, a=[1]),
        "counter": collections.Counter("abc"),
        "size": torch.Size([1, 2]),
        "set": {"a", 2},
        "frozen": frozenset((1, 2)),
        "dtype": torch.float32,
        "rng": (torch.get_rng_state(), np.random.default_rng(0), random.getstate()),
        "bytes": (b"abc", bytearray(b"abc")),
        "number": (2**70, -5, float("nan"), 1 + 2j),
        "date": datetime.datetime(2026, 1, 1),
        "own": Own(a=1),
        "slice": slice(1, 2),
        "class": Own,
        "complex": torch.ones(2, dtype=torch.complex64),
        "score": torch.tensor(71.2),
        "optimizer": sgd_state(torch.nn.Linear(2, 2)),
    }
    state = {"a.weight": torch.ones(3, 2), "a.bias": torch.zeros(3)}
    torch.save({**beside, "state_dict": Own(state)}, tmp_path / "a.pth", **options)
    matches(tmp_path / "a.pth", state)
    with open_weight_file(tmp_path / "a.pth") as checkpoint:
        assert checkpoint.key == "state_dict"
        assert checkpoint.left_out == tuple(beside)


def test_the_network_itself_is_taken_before_its_averages_unless_one_is_chosen(tmp_path):
    first, second = ({"weight": torch.full((2,), value), "bias": torch.ones(2)} for value in (1.0, 2.0))
    for keys, taken in ((("model_ema", "model"), "model"), (("state_dict_ema", "state_dict"), "state_dict")):
        torch.save(dict(zip(keys, (second, first), strict=True)), tmp_path / "a.pth")
        matches(tmp_path / "a.pth", first)
        with open_weight_file(tmp_path / "a.pth") as checkpoint:
            assert (checkpoint.key, checkpoint.other_state_dicts) == (taken, (keys[0],))
        with open_weight_file(tmp_path / "a.pth", keys[0]) as checkpoint:
            assert checkpoint.tensors["weight"].values().tolist() == [2, 2]
    torch.save({"run": {"student": first, "teacher": second}}, tmp_path / "a.pth")
    with pytest.raises(
        UserError, match=r"several state dicts \('run.student', 'run.teacher'\); choose one by its name"
    ):
        contents(tmp_path / "a.pth")
    with open_weight_file(tmp_path / "a.pth", "run.teacher") as checkpoint:
        assert checkpoint.tensors["weight"].values().tolist() == [2, 2]
    message = r"has no state dict 'run\.pupil'; it has 'run\.student', 'run\.teacher'"
    with pytest.raises(UserError, match=message), open_weight_file(tmp_path / "a.pth", "run.pupil"):
        pass


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
def test_a_whole_network_that_was_pickled_is_read_without_its_class(zipped, tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Sequential(torch.nn.BatchNorm2d(4)))
    parallel = torch.nn.DataParallel(net)
    for value, network in ((net, net), ({"model": parallel, "epoch": 1}, parallel)):
        torch.save(value, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        matches(tmp_path / "a.pth", network.state_dict())


def test_a_file_without_a_state_dict_is_refused_with_what_it_is(tmp_path):
    tensors = [torch.ones(2)]
    for value, message in (
        (
            tensors,
            r"a list of 1 tensors without names; write a state dict with torch.save\(network.state_dict\(\), FILE\)",
        ),
        ({"epoch": 3, "w": np.ones(2)}, r"holds no tensors with names; it holds epoch \(int\), w \(numpy"),
        (argparse.Namespace(a=1), r"is not a state dict but an object of argparse\.Namespace"),
        (7, "is not a state dict but of the type int"),
        (
            {"weight": torch.ones(2, dtype=torch.complex64)},
            r"cannot be read \('torch.ComplexFloatStorage'",
        ),
    ):
        torch.save(value, tmp_path / "a.pth")
        with pytest.raises(UserError, match=message):
            contents(tmp_path / "a.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_is_cut_off_anywhere_is_damaged(zipped, tmp_path):
    torch.save(various(), tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "a.pth").read_bytes()
    for length in [*range(40, len(whole) - 1, 97), len(whole) - 1]:
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"cut\.pth is damaged"):
            contents(tmp_path / "cut.pth")


def test_a_flipped_bit_in_the_numbers_is_found(tmp_path):
    torch.save({"weight": torch.ones(64)}, tmp_path / "a.pth")
    bad = bytearray((tmp_path / "a.pth").read_bytes())
    bad[bad.index(np.ones(64, "float32").tobytes())] ^= 1
    (tmp_path / "a.pth").write_bytes(bad)
    with pytest.raises(UserError, match="is damaged: its member 'data/0' cannot be read"):
        contents(tmp_path / "a.pth")


def zipped_pickle(path, instructions, numbers=b"\0" * 16):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + instructions + b".")
        archive.writestr("archive/data/0", numbers)
    return path


def rebuilt(sizes, strides, offset=b"K\x00", count=b"K\x04"):
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + count + b"tQ"
    function = b"ctorch._utils\n_rebuild_tensor_v2\n"
    return b"}X\x01\x00\x00\x00w" + function + b"(" + storage + offset + sizes + strides + b"\x89N" + b"tRs"


def test_a_file_that_claims_more_numbers_than_it_has_is_damaged(tmp_path):
    """Nothing is allocated for what a file merely claims."""
    fitting = zipped_pickle(tmp_path / "a.pth", rebuilt(b"K\x04\x85", b"K\x01\x85"))
    assert contents(fitting)["w"][0] == (4,)
    huge = b"\x8a\x08" + (2**60).to_bytes(8, "little")
    for sizes, strides, offset, count in [
        (b"K\x05\x85", b"K\x01\x85", b"K\x00", b"K\x04"),
        (b"K\x04\x85", b"K\x02\x85", b"K\x00", b"K\x04"),
        (b"K\x04\x85", b"K\x01\x85", b"K\x01", b"K\x04"),
        (huge + b"\x85", b"K\x00\x85", b"K\x00", b"K\x04"),
        (huge + b"\x85", b"K\x01\x85", b"K\x00", huge),
        (b"J\xff\xff\xff\xff\x85", b"K\x01\x85", b"K\x00", b"K\x04"),
        (b"K\x04\x85", b"J\xff\xff\xff\xff\x85", b"K\x00", b"K\x04"),
        (b"K\x04\x85", b")", b"K\x00", b"K\x04"),
        (b"G?\xf0\x00\x00\x00\x00\x00\x00\x85", b"K\x01\x85", b"K\x00", b"K\x04"),
    ]:
        with pytest.raises(UserError, match="is damaged"):
            contents(zipped_pickle(tmp_path / "a.pth", rebuilt(sizes, strides, offset, count)))


def test_keys_that_are_slow_to_look_up_are_never_looked_up(tmp_path):
    """A tuple of twice a tuple of twice a tuple ...: small in the file, endless to hash."""
    nested = b"N" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(200))
    with pytest.raises(UserError, match="holds no tensors with names"):
        contents(zipped_pickle(tmp_path / "a.pth", b"}" + nested + b"K\x01s"))


def integer(value):
    data = value.to_bytes(value.bit_length() // 8 + 1, "little")
    return b"\x8b" + len(data).to_bytes(4, "little") + data


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value


def test_numbers_with_thousands_of_digits_are_never_computed_with(tmp_path):
    huge = integer(10**5000)
    many = integer(2**4_000_000) + b"q\x01" + b"h\x01" * 63
    for sizes, strides, offset, count in [
        (huge + b"\x85", b"K\x01\x85", b"K\x00", b"K\x04"),
        (b"(" + many + b"t", b"(" + b"K\x01" * 64 + b"t", b"K\x00", b"K\x04"),
        (b"K\x04\x85", huge + b"\x85", b"K\x00", b"K\x04"),
        (b"K\x04\x85", b"K\x01\x85", huge, b"K\x04"),
        (b"K\x04\x85", b"K\x01\x85", b"K\x00", huge),
        (b"K\x04\x85", b"K\x01\x85", b"K\x00", b"I" + b"9" * 5000 + b"\n"),
        (b"K\x04\x85", b"K\x01\x85", b"K\x00", b"L" + b"9" * 4000 + b"L\n"),
    ]:
        with pytest.raises(UserError, match="is damaged"):
            contents(zipped_pickle(tmp_path / "a.pth", rebuilt(sizes, strides, offset, count)))


def test_keys_that_collide_or_are_long_are_not_kept(tmp_path):
    """Python finds integers by their remainder modulo 2**61 - 1; a long name could be copied with each tensor."""
    collisions = b"".join(integer(n * (2**61 - 1)) + b"N" for n in range(1, 10))
    with pytest.raises(UserError, match=r"holds no tensors with names; it holds int \(NoneType\)"):
        contents(zipped_pickle(tmp_path / "a.pth", b"}(" + collisions + b"u"))
    for key in (b"G" + b"\x41" * 8, integer(10**5000), text(b"a" * 2000)):
        with pytest.raises(UserError, match=r"it holds (int|float|str) \(int\)"):
            contents(zipped_pickle(tmp_path / "a.pth", b"}" + key + b"K\x01s"))


def test_long_names_of_classes_are_refused_before_they_are_copied(tmp_path):
    long = text(b"a" * 600) + b"q\x01"
    for instructions in (long + b"h\x01\x93", b"c" + b"a" * 2000 + b"\nb\n", b"(i" + b"a" * 2000 + b"\nb\n"):
        with pytest.raises(UserError, match="is damaged: it names a class in more than 1000 characters"):
            contents(zipped_pickle(tmp_path / "a.pth", instructions))


def test_names_in_an_error_cannot_write_to_the_terminal(tmp_path):
    with pytest.raises(UserError, match=r"it holds a\\n\\x1b\[2J \(int\)"):
        contents(zipped_pickle(tmp_path / "a.pth", b"}" + text(b"a\n\x1b[2J") + b"K\x01s"))


@pytest.mark.parametrize("instructions", [b"", b"0", b"h\x07", b"t", b"]K\x01K\x02s", b"(K\x01u", b"R", b"Q", b"NNR"])
def test_an_invalid_pickle_is_damaged(instructions, tmp_path):
    with pytest.raises(UserError, match="is damaged: its pickle is invalid"):
        contents(zipped_pickle(tmp_path / "a.pth", instructions))


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
def test_random_bytes_are_refused_in_one_sentence(tmp_path):
    torch.save({"weight": torch.ones(3, 2), "more": [1, "two", {"three": 3.0}]}, tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        described = archive.read("a/data.pkl")
    generator = np.random.default_rng(0)
    for _ in range(500):
        broken = bytearray(described[2:-1])
        for place in generator.integers(0, len(broken), 3):
            broken[place] = generator.integers(0, 256)
        with contextlib.suppress(UserError):
            contents(zipped_pickle(tmp_path / "b.pth", bytes(broken), b"\0" * 24))


def test_other_zip_files_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.pth", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(UserError, match=r"is a zip file, but torch\.save did not write it"):
        contents(tmp_path / "other.pth")
    (tmp_path / "web.pth").write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    with pytest.raises(UserError, match="is a web page"):
        contents(tmp_path / "web.pth")


def test_a_compressed_checkpoint_is_read(tmp_path):
    state = {"weight": torch.arange(12).reshape(3, 4) / 7}
    torch.save(state, tmp_path / "a.pth")
    (tmp_path / "a.pth.gz").write_bytes(gzip.compress((tmp_path / "a.pth").read_bytes()))
    matches(tmp_path / "a.pth.gz", state)
    for folder in ("", "resnet/", "some/where/"):
        with zipfile.ZipFile(tmp_path / "a.pth") as old, zipfile.ZipFile(tmp_path / "b.pth", "w", 8) as new:
            new.writestr("__MACOSX/._data.pkl", b"x")
            for member in old.infolist():
                new.writestr(folder + member.filename.partition("/")[2], old.read(member))
        matches(tmp_path / "b.pth", state)
    (tmp_path / "cut.gz").write_bytes((tmp_path / "a.pth.gz").read_bytes()[:200])
    with pytest.raises(UserError, match="is damaged: its gzip data cannot be unpacked"):
        contents(tmp_path / "cut.gz")


def test_short_pickles_that_ask_for_endless_work_are_refused(tmp_path):
    """Copies of one long list, a network inside itself, dictionaries that lead to one another, and too many steps."""
    pairs = b"](" + b"(K\x01K\x02l" * 1000 + b"eq\x01"
    copies = pairs + b"ccollections\nOrderedDict\nq\x02" + b"h\x02h\x01\x85R" * 2000
    stub = b"ca\nB\nq\x01)R"
    endless = stub + b"q\x02}X\x08\x00\x00\x00_modules}X\x01\x00\x00\x00ah\x02ssb"
    tangled = b"".join(b"}q" + bytes([n]) for n in range(200)) + b"".join(
        b"h" + bytes([a]) + b"(" + b"".join(b"X\x02\x00\x00\x00%02xh" % b + bytes([b]) for b in range(200)) + b"u0"
        for a in range(200)
    )
    for instructions, message in (
        (copies, "its pickle is invalid"),
        (endless, "the network in it contains itself"),
        (tangled + b"0" * 199, "holds no tensors with names"),
        (b"N0" * 2_100_000 + b"N", "in more than 4,000,000 steps"),
    ):
        with pytest.raises(UserError, match=message):
            contents(zipped_pickle(tmp_path / "a.pth", instructions))


def test_without_pytorch_the_error_suggests_safetensors(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UserError) as raised:
        torch_pth.write(tmp_path / "a.pth", {"weight": np.ones(2, "float32")})
    assert str(raised.value) == (
        ".pth files are written by PyTorch, which is not installed here or failed (ImportError: no torch here); name a "
        ".safetensors file instead, which PyTorch's users can load as well."
    )
    assert not (tmp_path / "a.pth").exists()


def test_a_written_file_loads_in_pytorch_and_has_the_same_bytes_each_time(tmp_path):
    state = {
        "features.0.weight": np.arange(24, dtype="float32").reshape(2, 3, 4).transpose(2, 0, 1),
        "bias": np.float32([1, 2]),
        "num_batches_tracked": np.zeros((), "int64"),
        "file": np.ones(1, "float32"),
        "allow_pickle": np.ones(1, "float32"),
    }
    for name in ("a.pth", "b.pth"):
        torch_pth.write(tmp_path / name, state)
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "b.pth").read_bytes()
    loaded = torch.load(tmp_path / "a.pth", weights_only=True)
    assert type(loaded) is collections.OrderedDict
    assert list(loaded) == list(state)
    for name, values in state.items():
        assert np.array_equal(loaded[name].numpy(), values)
        assert loaded[name].dtype == torch.from_numpy(np.array(values)).dtype
    matches(tmp_path / "a.pth", loaded)
