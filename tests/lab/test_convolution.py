"""The lectures' worked examples, and any other convolution as scipy and torch compute it."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from cnnzoo.errors import UserError
from cnnzoo.lab import as_matrix, as_patches, convolve, pool
from cnnzoo.lab.windows import make_axis

IMAGE = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]
OUTPUT = [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
BINARY = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
CROSS = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def numbers(*shape):
    return np.random.default_rng(sum(shape)).integers(-9, 10, shape)


def test_the_example_of_the_lecture_at_stride_1_and_2():
    assert convolve(IMAGE, KERNEL).output.tolist() == OUTPUT
    assert convolve(IMAGE, KERNEL, stride=2).output.tolist() == [[12, 17], [9, 14]]


def test_the_steps_of_the_second_example_begin_with_4():
    convolution = convolve(BINARY, CROSS)
    assert convolution.windows.values[0, 0].tolist() == [row[:3] for row in BINARY[:3]]
    assert convolution.sentences()[0] == "1·1 + 1·0 + 1·1 + 0·0 + 1·1 + 1·0 + 0·1 + 0·0 + 1·1 = 4"
    assert convolution.output.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


@pytest.mark.parametrize(
    ("size", "window", "stride", "dilation", "padding", "output", "formula"),
    [
        (7, 3, 1, 1, "valid", 5, "(7 - 3) / 1 + 1 = 5"),
        (7, 3, 2, 1, "valid", 3, "(7 - 3) / 2 + 1 = 3"),
        (7, 3, 3, 1, "valid", 2, "(7 - 3) / 3 + 1 = 2, rounded down"),
        (7, 3, 1, 1, (1, 1), 7, "(7 + 1 + 1 - 3) / 1 + 1 = 7"),
        (227, 11, 4, 1, "valid", 55, "(227 - 11) / 4 + 1 = 55"),
        (7, 3, 1, 2, "valid", 3, "(7 - 5) / 1 + 1 = 3"),
        (6, 3, 2, 1, "same", 3, "(6 + 0 + 1 - 3) / 2 + 1 = 3"),
        (5, 4, 1, 1, "same", 5, "(5 + 1 + 2 - 4) / 1 + 1 = 5"),
        (5, 1, 3, 1, "same", 2, "(5 - 1) / 3 + 1 = 2, rounded down"),
        (5, 3, 1, 1, "full", 7, "(5 + 2 + 2 - 3) / 1 + 1 = 7"),
        (4, 2, 1, 1, (0, 1), 4, "(4 + 0 + 1 - 2) / 1 + 1 = 4"),
    ],
)
def test_the_output_size_follows_the_formula(size, window, stride, dilation, padding, output, formula):
    axis = make_axis(size, window, stride, dilation, padding)
    assert (axis.output_size, axis.formula) == (output, formula)
    assert len(axis.positions()) == output


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 4), (5, 3)])
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_a_convolution_is_scipys(shape, mode):
    image, kernel = numbers(7, 9), numbers(*shape)
    flipped = convolve(image, kernel, padding=mode, flip=True).output
    if mode == "same" and not all(side % 2 for side in shape):  # scipy pads an even kernel on the other side
        expected = convolve2d(np.pad(image, 9), kernel, "full")
        start = [9 + (side - 1) - (side - 1) // 2 for side in shape]
        expected = expected[start[0] : start[0] + 7, start[1] : start[1] + 9]
    else:
        expected = convolve2d(image, kernel, mode)
    assert np.array_equal(flipped, expected)
    assert np.array_equal(convolve(image, np.flip(kernel), padding=mode).output, flipped)


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (3, 2, 2), ((1, 2), (2, 0), (2, 1)), (2, 4, 3)]
)
def test_strides_paddings_and_dilations_are_torchs(axes, stride, padding, dilation):
    def of_axes(value):
        return [value] * axes if isinstance(value, int) else list(value)[:axes]

    image, kernel = numbers(*(11, 9)[:axes]), numbers(*(3, 2)[:axes])
    convolution = convolve(
        image, kernel, of_axes(stride), [(side, side) for side in of_axes(padding)], of_axes(dilation)
    )
    operation = torch.nn.functional.conv1d if axes == 1 else torch.nn.functional.conv2d
    images, kernels = (torch.from_numpy(values.astype("float64"))[None, None] for values in (image, kernel))
    expected = operation(images, kernels, None, of_axes(stride), of_axes(padding), of_axes(dilation))
    assert np.array_equal(convolution.output, expected[0, 0].numpy())
    matrix = as_matrix(convolution)
    assert np.array_equal((matrix.weights @ image.ravel()).reshape(convolution.output.shape), convolution.output)
    patches = as_patches(convolution) @ convolution.kernel.ravel()
    assert np.array_equal(patches.reshape(convolution.output.shape), convolution.output)


def test_a_matrix_shares_its_weights_and_has_fewer_connections_than_a_dense_layer():
    matrix = as_matrix(convolve([1, 2, 3, 4, 5], [7, 0, 9]))
    assert matrix.weights.tolist() == [[7, 0, 9, 0, 0], [0, 7, 0, 9, 0], [0, 0, 7, 0, 9]]
    assert matrix.element.tolist() == [[0, 1, 2, -1, -1], [-1, 0, 1, 2, -1], [-1, -1, 0, 1, 2]]
    assert (matrix.connections, matrix.kernel_size, matrix.dense_weights) == (9, 3, 15)


def test_poolings_are_those_of_the_lecture():
    image = [[3, 13, 17, 11], [5, 3, 1, 23], [7, 1, 2, 3], [11, 17, 1, 4]]
    assert pool(image).output.tolist() == [[13, 23], [17, 4]]
    assert pool(image, "average").output.tolist() == [[6, 13], [9, 2.5]]


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 1, 1), (3, 2, 1), ((2, 3), (1, 2), (0, 1))])
def test_a_pooling_is_torchs(kind, size, stride, padding):
    image = numbers(7, 8)
    sides = [padding] * 2 if isinstance(padding, int) else padding
    ours = pool(image, kind, size, stride, [(side, side) for side in sides]).output
    images = torch.from_numpy(image.astype("float64"))[None]
    if kind == "max":
        theirs = torch.nn.functional.max_pool2d(images, size, stride, padding)
    else:
        theirs = torch.nn.functional.avg_pool2d(images, size, stride, padding, count_include_pad=False)
    assert np.allclose(ours, theirs[0].numpy())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: convolve(IMAGE, numbers(6, 6)), "A window of 6 does not fit into 5 pixels; take a smaller window"),
        (
            lambda: convolve(IMAGE, KERNEL, dilation=3),
            "A window of 3 with dilation 3 spans 7 pixels and does not fit into 5 pixels",
        ),
        (lambda: convolve(IMAGE, [1, 2]), "The image has 2 and the window 1 dimension; give both the same"),
        (lambda: convolve(numbers(2, 2, 2), KERNEL), "An image has one or two dimensions, and at least one number"),
        (lambda: convolve(IMAGE, []), "The kernel has no numbers"),
        (lambda: convolve(IMAGE, KERNEL, stride=0), "The stride must be a whole number of at least 1, not 0"),
        (lambda: convolve(IMAGE, KERNEL, stride=[1, 1, 1]), "There are 3 values of the stride"),
        (lambda: convolve(IMAGE, KERNEL, padding=(-1, 0)), "The padding must be at least 0, not -1 and 0"),
        (lambda: pool(IMAGE, size=1, padding=(1, 1)), "the window covers nothing but padding"),
    ],
)
def test_an_impossible_window_is_refused_with_a_sentence(call, sentence):
    with pytest.raises(UserError, match=sentence):
        call()
