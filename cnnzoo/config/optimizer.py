"""The sections of optimizers and learning rate schedules."""

from typing import Annotated, Literal

from pydantic import Field

from cnnzoo.config.base import Count, Fraction, NonNegative, Positive, ProperFraction, Section

L2 = Annotated[
    NonNegative,
    Field(
        description="Weight decay as in the papers of 2012 to 2016: this times each weight is added to its gradient, "
        "so that momentum and learning rate apply to it."
    ),
]
Momentum = Annotated[Fraction, Field(description="Fraction of each step that is added to the next one.")]
Nesterov = Annotated[bool, Field(description="Use Nesterov's momentum.")]
Beta1 = Annotated[Fraction, Field(description="Decay of the running mean of the gradients.")]
Beta2 = Annotated[Fraction, Field(description="Decay of the running mean of the squared gradients.")]
Epsilon = Annotated[Positive, Field(description="Added to the denominator, so that it is not 0.")]
Factor = Annotated[ProperFraction, Field(description="Factor of the learning rate at each change.")]
WeightDecay = Annotated[
    NonNegative,
    Field(
        description="Decoupled weight decay: each step subtracts the learning rate times this times the weight, "
        "without momentum; Loshchilov and Hutter, ICLR 2019."
    ),
]


class OptimizerSection(Section):
    """Settings of every optimizer."""

    name: str  # here so that it is the first key of every optimizer
    learning_rate: Positive = Field(0.001, description="Peak learning rate.")
    decay_kernels_only: bool = Field(
        False, description="Do not apply l2 and weight_decay to biases and normalization's scales and offsets."
    )
    clip_norm: Positive | None = Field(None, description="Largest norm of all gradients together; more is scaled down.")


class MomentsSection(OptimizerSection):
    """Settings of Adam's running means, which AdamW and Muon have too."""

    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


class SgdSection(OptimizerSection):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    learning_rate: Positive = Field(0.01, description="Peak learning rate.")
    momentum: Momentum = 0.9
    nesterov: Nesterov = False
    l2: L2 = 0.0
    weight_decay: WeightDecay = 0.0


class AdamSection(MomentsSection):
    """Adam; Kingma and Ba, ICLR 2015."""

    name: Literal["adam"]
    l2: L2 = 0.0


class AdamwSection(MomentsSection):
    """Adam with decoupled weight decay; Loshchilov and Hutter, ICLR 2019."""

    name: Literal["adamw"]
    weight_decay: WeightDecay = 0.01


class RmspropSection(OptimizerSection):
    """RMSprop; Tieleman and Hinton, lecture 6.5 of "Neural Networks for Machine Learning", 2012."""

    name: Literal["rmsprop"]
    rho: Fraction = Field(0.9, description="Decay of the running mean of the squared gradients.")
    momentum: Momentum = 0.0
    epsilon: Epsilon = 1e-7
    l2: L2 = 0.0


class MuonSection(MomentsSection):
    """Muon for the kernels of convolutions and dense layers, AdamW for the classifier, biases and normalization.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; with the scale of Liu et al. 2025.
    """

    name: Literal["muon"]
    momentum: Momentum = 0.95
    nesterov: Nesterov = True
    iterations: int = Field(5, ge=1, le=20, description="Newton-Schulz iterations in each step.")
    weight_decay: WeightDecay = 0.0


class WarmupSection(Section):
    """Settings of every schedule but one-cycle."""

    name: str  # here so that it is the first key of every schedule
    warmup_epochs: NonNegative = Field(
        0.0, description="Epochs of linear growth to the peak; the first of their steps has 1/(steps + 1) of the peak."
    )


class ConstantSection(WarmupSection):
    """The same learning rate in all steps after the warm-up."""

    name: Literal["constant"]


class StepSection(WarmupSection):
    """The learning rate is multiplied by a factor at regular intervals."""

    name: Literal["step"]
    every: Positive = Field(description="Epochs between two changes, counted from the first epoch.")
    factor: Factor = 0.1


class MultiStepSection(WarmupSection):
    """The learning rate is multiplied by a factor after each epoch in a list."""

    name: Literal["multi_step"]
    after: list[Positive] = Field(
        min_length=1, description="The epochs after which the learning rate changes, in ascending order."
    )
    factor: Factor = 0.1


class CosineSection(WarmupSection):
    """Half a cosine from the peak to the final learning rate; Loshchilov and Hutter, ICLR 2017."""

    name: Literal["cosine"]
    final: Fraction = Field(0.0, description="Last learning rate, as a fraction of the peak.")


class PolynomialSection(WarmupSection):
    """The learning rate falls with a power of the fraction of steps that are left."""

    name: Literal["polynomial"]
    power: Positive = Field(1.0, description="The power; 1 is linear decay.")
    final: Fraction = Field(0.0, description="Last learning rate, as a fraction of the peak.")


class OneCycleSection(Section):
    """Linear growth to the peak, then half a cosine down; after Smith and Topin 2018."""

    name: Literal["one_cycle"]
    rise: ProperFraction = Field(0.25, description="Fraction of all steps in which the learning rate grows.")
    initial: Fraction = Field(0.04, description="First learning rate, as a fraction of the peak.")
    final: Fraction = Field(0.0, description="Last learning rate, as a fraction of the peak.")


class PlateauSection(WarmupSection):
    """The learning rate is multiplied by a factor when validation stops improving, as in AlexNet's paper by hand."""

    name: Literal["plateau"]
    monitor: Literal["accuracy", "loss"] = Field("accuracy", description="The validation figure that must improve.")
    patience: Count = Field(5, description="Epochs without a better figure after which the learning rate changes.")
    factor: Factor = 0.1
    smallest: Fraction = Field(0.0, description="Smallest learning rate, as a fraction of the peak.")


AnyOptimizerSection = Annotated[
    SgdSection | AdamSection | AdamwSection | RmspropSection | MuonSection, Field(discriminator="name")
]
AnyScheduleSection = Annotated[
    ConstantSection
    | StepSection
    | MultiStepSection
    | CosineSection
    | PolynomialSection
    | OneCycleSection
    | PlateauSection,
    Field(discriminator="name"),
]
