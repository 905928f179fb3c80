"""CIFAR-10 and CIFAR-100: 60,000 colour images of 32x32 pixels each.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
https://www.cs.toronto.edu/~kriz/cifar.html

The binary version is read, an archive of record files, and never the Python version, which is pickled. The page
publishes the MD5 of the archives. The MD5 of each record file is from the rai-project's dldataset, which unpacks the
archives with that MD5. The five training files of CIFAR-10 were compared with another copy and are the same.
"""

from cnnzoo.data.dataset import DataSet
from cnnzoo.data.sets.record_sets import RecordFile, RecordSet

# The first is a copy in MindSpore's object store. The university's only host, to which www redirects, has taken half an
# hour for a download. The records of every mirror are checked.
_MIRRORS = (
    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/",
    "https://cave.cs.toronto.edu/kriz/",
    "https://www.cs.toronto.edu/~kriz/",
)


def _describe(name: str, title: str, class_names: str) -> DataSet:
    return DataSet(
        name=name,
        title=title,
        class_names=tuple(class_names.split()),
        input_shape=(32, 32, 3),
        train_count=50_000,
        test_count=10_000,
        glyphs=False,
        source="Krizhevsky, Nair and Hinton 2009, from the 80 million tiny images; no licence stated",
        resize="crop",
    )


# The class names are those of batches.meta.txt, coarse_label_names.txt and fine_label_names.txt in the archives.
CIFAR10 = RecordSet(
    description=_describe("cifar10", "CIFAR-10", "airplane automobile bird cat deer dog frog horse ship truck"),
    archive="cifar-10-binary.tar.gz",
    folders=("cifar-10-batches-bin",),
    train=(
        RecordFile("data_batch_1.bin", 10_000, "5dd7e06a14cb22eb9f671a540d1b7c25"),
        RecordFile("data_batch_2.bin", 10_000, "5ea93a67294ea407fff1d09f752e9692"),
        RecordFile("data_batch_3.bin", 10_000, "942cd6a4bcdd0dd3c604fbe906cb4421"),
        RecordFile("data_batch_4.bin", 10_000, "ae636b3ba5c66a11e91e8cb52e771fcb"),
        RecordFile("data_batch_5.bin", 10_000, "53f37980c15c3d472c316c40844f3f0d"),
    ),
    test=(RecordFile("test_batch.bin", 10_000, "803d5f7f4d78ea53de84dbe85f74fb6d"),),
    label_classes=(10,),
    python_version=("cifar-10-batches-py", "cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"),
    mirrors=_MIRRORS,
)

CIFAR100 = RecordSet(
    description=_describe(
        "cifar100",
        "CIFAR-100",
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
        castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
        elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
        man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
        pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
        skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
        tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
        """,
    ),
    archive="cifar-100-binary.tar.gz",
    folders=("cifar-100-binary",),
    train=(RecordFile("train.bin", 50_000, "6172c7755cfe09b2fe270c85cebc1b15"),),
    test=(RecordFile("test.bin", 10_000, "4499cfba6c016c1be1438163640a0898"),),
    label_classes=(20, 100),
    coarse_classes=tuple(
        """
        aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
        household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
        large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees
        vehicles_1 vehicles_2
        """.split()  # noqa: SIM905 - a line a name would be a page
    ),
    python_version=("cifar-100-python", "cifar-100-python.tar.gz"),
    mirrors=_MIRRORS,
)
