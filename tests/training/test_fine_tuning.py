import keras
import numpy as np
import pytest
from trainings import SMALL_SETTINGS, CutOff, CutOffError

from cnnzoo.classifier.model_file import load_model
from cnnzoo.cli.options import load_config
from cnnzoo.errors import UserError
from cnnzoo.models import alexnet_small, cifar_resnet, resnet20
from cnnzoo.runs import Run
from cnnzoo.training import Listener, resume, train
from cnnzoo.training.fine_tuning import InitialWeights

pytestmark = pytest.mark.slow


def config(run, *settings, frozen=1):
    section = f"fine_tuning={{weights: {run.model_path}, frozen_epochs: {frozen}, frozen_learning_rate: 0.01}}"
    schedule = "schedule={name: plateau, patience: 1}"
    return load_config("digits", (*SMALL_SETTINGS, schedule, "training.epochs=3", section, *settings))


def weights(path):
    """Return the weights of each layer by its name."""
    network = next(layer for layer in load_model(path).layers if isinstance(layer, keras.Model))
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


@pytest.fixture(scope="module")
def fine_tuned(digits_runs, tmp_path_factory):
    run, _ = train(config(digits_runs[0]), directory=tmp_path_factory.mktemp("fine_tuned") / "run")
    return run


def test_only_the_classifier_learns_in_the_frozen_epochs_and_then_all_layers(digits_runs, fine_tuned, tmp_path):
    with pytest.raises(CutOffError):
        train(config(digits_runs[0]), directory=tmp_path / "run", listener=CutOff(1))
    before = weights(digits_runs[0].model_path)
    frozen, after = weights(tmp_path / "run" / "last.keras"), weights(fine_tuned.last_model_path)
    for name in before:
        assert all(map(np.array_equal, before[name], frozen[name])) == (name != "logits"), name
        assert not any(map(np.array_equal, before[name], after[name])), name
    frozen_model, model = load_model(tmp_path / "run" / "last.keras"), load_model(fine_tuned.last_model_path)
    assert len(frozen_model.trainable_weights) == 2
    assert len(model.trainable_weights) == len(model.weights) == 10  # as in the network that is trained
    assert fine_tuned.history()[0]["learning_rate"] == pytest.approx(0.01)
    assert fine_tuned.history()[1]["learning_rate"] == pytest.approx(0.004)


def test_fine_tuning_starts_from_the_weights_of_the_other_run(digits_runs, fine_tuned):
    assert fine_tuned.history()[0]["validation_loss"] < 0.5 * digits_runs[0].history()[-1]["loss"] + 0.5
    assert fine_tuned.history()[-1]["validation_loss"] < digits_runs[0].history()[-1]["validation_loss"]


@pytest.mark.every_backend
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_fine_tuning_that_was_cut_off_ends_in_the_same_bits(epoch, digits_runs, fine_tuned, tmp_path):
    with pytest.raises(CutOffError):
        train(config(digits_runs[0]), directory=tmp_path / "run", listener=CutOff(epoch))
    run, _ = resume(Run(tmp_path / "run"))
    assert run.history_path.read_bytes() == fine_tuned.history_path.read_bytes()
    theirs = weights(fine_tuned.last_model_path)
    for name, values in weights(run.last_model_path).items():
        assert all(map(np.array_equal, values, theirs[name])), name


def test_pixels_are_normalized_as_in_the_run_of_the_weights(digits_runs, fine_tuned):
    ours, theirs = (load_model(run.model_path).get_layer("normalize") for run in (fine_tuned, digits_runs[0]))
    assert np.allclose(ours.scale, theirs.scale, rtol=1e-5)
    assert np.allclose(ours.offset, theirs.offset, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["fine_tuning.weights=nowhere.keras"], "fine_tuning.weights=.*: there is no file .*nowhere.keras"),
        (["model={name: lecture_keras}", "preprocessing.pad=0"], "fine_tuning.weights: .*holds another network's"),
        (
            ["fine_tuning.trained=[fc9]"],
            "fine_tuning.trained=.*: the network has no layer fc9 with weights; there are c1, ",
        ),
        (["model.activation=tanh"], "fine_tuning.weights: .*another network's weights: layer c1.* has activation tanh"),
        (["fine_tuning.frozen_epochs=3"], "fine_tuning.frozen_epochs=3: the whole training would be frozen"),
    ],
)
def test_unsuitable_weights_or_frozen_layers_are_refused(settings, sentence, digits_runs, tmp_path):
    with pytest.raises(UserError, match=sentence):
        train(config(digits_runs[0], *settings), directory=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_fine_tuning_without_a_whole_checkpoint_starts_again_from_its_weights(digits_runs, fine_tuned, tmp_path):
    class Hearing(Listener):
        def note(self, text):
            told.append(text)

    told = []
    with pytest.raises(CutOffError):
        train(config(digits_runs[0]), directory=tmp_path / "run", listener=CutOff(1))
    with pytest.raises(CutOffError):
        resume(Run(tmp_path / "run"), listener=CutOff(2, 5))
    for path in Run(tmp_path / "run").checkpoints:
        path.write_bytes(path.read_bytes()[:1000])
    run, _ = resume(Run(tmp_path / "run"), listener=Hearing())
    assert told[-1] == "All checkpoints are damaged; the training starts again from the beginning."
    assert run.history_path.read_bytes() == fine_tuned.history_path.read_bytes()


def test_the_file_gives_the_mean_or_deviation_that_the_config_leaves_out(digits_runs, tmp_path):
    settings = ("preprocessing.mean=0.25", "training.epochs=2", "schedule={name: constant}")
    run, _ = train(config(digits_runs[0], *settings), directory=tmp_path / "run")
    before, after = (each.environment()["preprocessing"] for each in (digits_runs[0], run))
    assert after["mean"] == [0.25]
    assert after["deviation"] == pytest.approx(before["deviation"], rel=1e-4)


def test_a_network_with_other_connections_between_layers_is_refused(tmp_path):
    alexnet_small(input_shape=(32, 32, 1), norm_after_pool=True).save(tmp_path / "other.keras")
    settings = [f"fine_tuning.weights={tmp_path / 'other.keras'}", "model={name: alexnet_small}", "preprocessing.pad=2"]
    with pytest.raises(UserError, match=r"another network's weights: layer \w+ comes after \w+, and the file's after"):
        train(load_config("digits", [*SMALL_SETTINGS, *settings]), directory=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_for_images_of_other_channels_are_refused(digits_runs, photos, tmp_path):
    section = f"data={{name: folder, path: {photos}, size: 28}}"
    with pytest.raises(
        UserError, match=r"fine_tuning\.weights: .*model\.keras takes images of 1 channel\(s\), not of 3"
    ):
        train(config(digits_runs[0], section, "training.batch_size=4"), directory=tmp_path / "run")


def test_a_deeper_network_of_the_same_kind_is_refused(tmp_path):
    cifar_resnet(32, (28, 28, 1)).save(tmp_path / "deeper.keras")
    weights = InitialWeights(tmp_path / "deeper.keras", load_model(tmp_path / "deeper.keras"))
    with pytest.raises(UserError, match="the file has a layer conv2_4_bn1, which this network does not have"):
        weights.copy_to(resnet20((28, 28, 1)))
