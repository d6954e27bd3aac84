"""The network of the study: a function of a user's."""

import keras


def build(configuration, signature):
    """One hidden layer as wide as the space says."""
    return keras.Sequential(
        [
            keras.Input((signature.features,)),
            keras.layers.Dense(int(configuration["width"]), "tanh"),
            keras.layers.Dense(signature.outputs),
        ]
    )
