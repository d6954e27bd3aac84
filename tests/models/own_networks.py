"""Functions as users write them: one that is right, and one for every way to be wrong."""

import keras


def build(configuration, signature):
    shape = signature.shape or (signature.features,)
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(int(configuration["width"]), "tanh")]
    layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.2), keras.layers.Dense(signature.outputs)]
    return keras.Sequential(layers)


def flat(configuration, signature):
    return keras.Sequential([keras.Input((signature.features,)), keras.layers.Dense(signature.outputs)])


def wrong_outputs(configuration, signature):
    return keras.Sequential([keras.Input((signature.features,)), keras.layers.Dense(signature.outputs + 1)])


def wrong_inputs(configuration, signature):
    return keras.Sequential([keras.Input((signature.features + 1,)), keras.layers.Dense(signature.outputs)])


def unbuilt(configuration, signature):
    return keras.Sequential([keras.layers.Dense(signature.outputs)])


def nothing(configuration, signature):
    return None


def raises(configuration, signature):
    return configuration["no such hyperparameter"]


def few_fail(configuration, signature):
    if int(configuration["width"]) > 30:
        raise MemoryError("too wide")
    return build(configuration, signature)


def executes(configuration, signature):
    layers = [keras.Input((signature.features,)), keras.layers.Lambda(lambda x: x), keras.layers.Dense(2)]
    return keras.Sequential(layers)


def halves(configuration, signature):
    last = keras.layers.Dense(signature.outputs, dtype="float16")
    return keras.Sequential([keras.Input((signature.features,)), last])


number = 3
