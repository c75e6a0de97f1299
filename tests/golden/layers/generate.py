"""Makes golden.safetensors: 3D layers with their gradients, and courses of optimisers, by PyTorch on the CPU in double precision.

Made with Python 3.11, torch 2.15.0, safetensors:
    python generate.py
"""

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

torch.manual_seed(20220918)
torch.set_default_dtype(torch.float64)
out = {}


def store(name, **tensors):
    for part, tensor in tensors.items():
        out[f"{name}.{part}"] = tensor.detach().to(torch.float32).contiguous()


def layer(name, f, x, *weights):
    """Output of a layer, and the gradients of its inputs for a random gradient of the output."""
    inputs = [t.requires_grad_() for t in (x, *weights)]
    y = f(*inputs)
    g = torch.randn(y.shape)
    gradients = torch.autograd.grad(y, inputs, g)
    store(name, x=x, y=y, g=g, gx=gradients[0])
    for n, (w, gw) in enumerate(zip(weights, gradients[1:])):
        store(name, **{f"w{n}": w, f"gw{n}": gw})


def conv(kernel, stride):
    padding = [k // 2 for k in kernel]
    return lambda x, w: F.conv3d(x, w, stride=stride, padding=padding)


layer("conv cubic", conv([3, 3, 3], [1, 1, 1]), torch.randn(2, 3, 5, 6, 7), torch.randn(4, 3, 3, 3, 3))
layer("conv flat", conv([1, 3, 3], [1, 2, 2]), torch.randn(2, 3, 4, 7, 9), torch.randn(5, 3, 1, 3, 3))
layer("conv strided", conv([3, 3, 3], [2, 2, 2]), torch.randn(1, 2, 6, 9, 8), torch.randn(4, 2, 3, 3, 3))
layer("conv point", conv([1, 1, 1], [1, 1, 1]), torch.randn(2, 6, 3, 4, 5), torch.randn(3, 6, 1, 1, 1))
for name, stride in (("up cubic", [2, 2, 2]), ("up flat", [1, 2, 2])):
    layer(name, lambda x, w, s=stride: F.conv_transpose3d(x, w, stride=s), torch.randn(2, 4, 3, 4, 5), torch.randn(4, 3, *stride))
for name, slope in (("norm", 1.0), ("norm relu", 0.01)):
    layer(
        name,
        lambda x, a, b, s=slope: F.leaky_relu(F.instance_norm(x, weight=a, bias=b, eps=1e-5), s),
        3 * torch.randn(2, 3, 4, 5, 6) + 5,
        torch.randn(3),
        torch.randn(3),
    )
layer("relu", lambda x: F.leaky_relu(x, 0.01), torch.randn(2, 3, 2, 3, 4))
layer("max pool", lambda x: F.max_pool3d(x, [2, 2, 3]), torch.randn(2, 2, 5, 6, 7))
layer("average pool", lambda x: F.avg_pool3d(x, [1, 2, 2]), torch.randn(2, 2, 3, 6, 7))
for name, size in (("double", [6, 8, 10]), ("uneven", [4, 9, 7])):
    layer(f"nearest {name}", lambda x, s=size: F.interpolate(x, s, mode="nearest"), torch.randn(2, 2, 3, 4, 5))
    layer(
        f"trilinear {name}",
        lambda x, s=size: F.interpolate(x, s, mode="trilinear", align_corners=False),
        torch.randn(2, 2, 3, 4, 5),
    )


def course(name, optimiser, clip):
    """Five steps on a quadratic with its minimum at a target; the weights after each."""
    torch.manual_seed(3)
    weights = torch.randn(3, 4).requires_grad_()
    target = torch.randn(3, 4)
    steps = [weights.detach().clone()]
    optimiser = optimiser([weights])
    norms = []
    for _ in range(5):
        optimiser.zero_grad()
        ((weights - target) ** 2).sum().backward()
        norms.append(torch.nn.utils.clip_grad_norm_([weights], clip))
        optimiser.step()
        steps.append(weights.detach().clone())
    store(name, target=target, steps=torch.stack(steps), norms=torch.stack(norms))


course("nesterov", lambda p: torch.optim.SGD(p, 0.03, momentum=0.9, weight_decay=0.02, nesterov=True), 1e9)
course("nesterov clipped", lambda p: torch.optim.SGD(p, 0.03, momentum=0.9, weight_decay=0.02, nesterov=True), 2.0)
course("adam", lambda p: torch.optim.Adam(p, 0.05, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1), 1e9)
course("adamw", lambda p: torch.optim.AdamW(p, 0.05, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1), 1e9)
save_file(out, "golden.safetensors")
