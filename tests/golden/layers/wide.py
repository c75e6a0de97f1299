"""Makes wide.safetensors: convolutions of more channels and wider rows than golden.safetensors has, by PyTorch on the CPU in double precision.

Made with Python 3.11, torch 2.15.0, safetensors:
    python wide.py

Inputs, weights and the gradient of the output are the numbers of a small generator, which the test repeats; only what PyTorch makes of them is stored.
"""

import math

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

out = {}


def numbers(shape, seed):
    """Numbers without structure, the same every time; exact in single precision."""
    state = (seed * 2654435761 + 12345) % 2**32
    values = []
    for _ in range(math.prod(shape)):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 8) / 2**24 - 0.5)
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def store(name, f, x, w):
    x, w = numbers(x, 1).requires_grad_(), numbers(w, 2).requires_grad_()
    y = f(x, w)
    gx, gw = torch.autograd.grad(y, (x, w), numbers(y.shape, 3))
    for part, tensor in (("y", y), ("gx", gx), ("gw", gw)):
        out[f"{name}.{part}"] = tensor.detach().to(torch.float32).contiguous()


store("conv cubic", lambda x, w: F.conv3d(x, w, padding=1), [1, 33, 2, 4, 68], [20, 33, 3, 3, 3])
store("conv flat", lambda x, w: F.conv3d(x, w, stride=[1, 2, 2], padding=[0, 1, 1]), [1, 17, 2, 6, 130], [35, 17, 1, 3, 3])
store("conv strided", lambda x, w: F.conv3d(x, w, stride=2, padding=1), [1, 24, 4, 4, 70], [18, 24, 3, 3, 3])
store("up", lambda x, w: F.conv_transpose3d(x, w, stride=[1, 2, 2]), [1, 37, 2, 3, 20], [37, 19, 1, 2, 2])
save_file(out, "wide.safetensors")
