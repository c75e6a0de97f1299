"""Makes golden.safetensors: the networks and losses of translators with their gradients, by PyTorch on the CPU in double precision.

The networks are written here after the public descriptions of CycleGAN, CUT and QS-Attn; biases that a normalisation takes away are left out.
Made with Python 3.11, torch 2.15.0, safetensors, numpy:
    python generate.py
"""

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.manual_seed(20220919)
torch.set_default_dtype(torch.float64)
out = {}


def store(name, **tensors):
    for part, tensor in tensors.items():
        out[f"{name}.{part}"] = tensor.detach().to(torch.float32).contiguous().clone()


def layer(name, f, x, *weights):
    """Output of a layer, and the gradients of its inputs for a random gradient of the output."""
    inputs = [t.requires_grad_() for t in (x, *weights)]
    y = f(*inputs)
    g = torch.randn(y.shape)
    gradients = torch.autograd.grad(y, inputs, g)
    store(name, x=x, y=y, g=g, gx=gradients[0])
    for n, (w, gw) in enumerate(zip(weights, gradients[1:])):
        store(name, **{f"w{n}": w, f"gw{n}": gw})


def binomial(taps):
    row = torch.tensor(taps)
    return (row[:, None] * row[None, :] / row.sum() ** 2)[None, None]


def blur_down(x):
    c = x.shape[1]
    kernel = binomial([1.0, 2.0, 1.0]).repeat(c, 1, 1, 1)
    return F.conv2d(F.pad(x, [1, 1, 1, 1], mode="reflect"), kernel, stride=2, groups=c)


def blur_up(x):
    c = x.shape[1]
    kernel = 4 * binomial([1.0, 3.0, 3.0, 1.0]).repeat(c, 1, 1, 1)
    padded = F.pad(x, [1, 1, 1, 1], mode="replicate")
    return F.conv_transpose2d(padded, kernel, stride=2, padding=2, groups=c)[:, :, 1:, 1:][:, :, :-1, :-1]


def twice(x):
    """A tensor that is used again beside its upsampling."""
    return F.interpolate(x, scale_factor=2, mode="nearest") + x.mean()


layer("conv 7", lambda x, w: F.conv2d(x, w), torch.randn(2, 1, 11, 13), torch.randn(5, 1, 7, 7))
layer("conv 4 strided", lambda x, w: F.conv2d(x, w, stride=2, padding=1), torch.randn(2, 3, 8, 10), torch.randn(4, 3, 4, 4))
layer("conv 4", lambda x, w: F.conv2d(x, w, padding=1), torch.randn(1, 3, 7, 9), torch.randn(4, 3, 4, 4))
layer("conv 3 strided", lambda x, w: F.conv2d(x, w, stride=2, padding=1), torch.randn(2, 3, 8, 12), torch.randn(4, 3, 3, 3))
layer(
    "up conv",
    lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
    torch.randn(2, 4, 5, 6),
    torch.randn(4, 3, 3, 3),
)
layer("up conv plain", lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1), torch.randn(1, 2, 4, 5), torch.randn(2, 3, 4, 4))
layer("reflect", lambda x: F.pad(x, [3, 3, 3, 3], mode="reflect"), torch.randn(2, 2, 5, 7))
layer("blur down", blur_down, torch.randn(2, 3, 8, 6))
layer("blur down odd", blur_down, torch.randn(1, 2, 7, 9))
layer("blur up", blur_up, torch.randn(2, 3, 4, 5))
layer("nearest twice", twice, torch.randn(1, 2, 3, 4))
layer("norm", lambda x: F.leaky_relu(F.instance_norm(x), 0.2), 3 * torch.randn(2, 3, 5, 6) + 5)


class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.first = nn.Conv2d(c, c, 3, bias=False)
        self.second = nn.Conv2d(c, c, 3, bias=False)

    def forward(self, x):
        pad = lambda t: F.pad(t, [1, 1, 1, 1], mode="reflect")
        y = F.relu(F.instance_norm(self.first(pad(x))))
        return x + F.instance_norm(self.second(pad(y)))


def norm(c):
    return nn.InstanceNorm2d(c)


class Generator(nn.Module):
    def __init__(self, ngf, blocks, antialiased, classes=0):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(1, ngf, 7, bias=False), norm(ngf), nn.ReLU()]
        for f in (1, 2):
            stride = 1 if antialiased else 2
            layers += [nn.Conv2d(f * ngf, 2 * f * ngf, 3, stride=stride, padding=1), norm(2 * f * ngf), nn.ReLU()]
            if antialiased:
                layers += [Lambda(blur_down)]
        layers += [Residual(4 * ngf) for _ in range(blocks)]
        self.trunk = len(layers)
        decoder = lambda to: self.decoder(ngf, antialiased, to)
        self.model = nn.ModuleList(layers + decoder(1) + [nn.Tanh()])
        if classes:
            # Numbered on from the trunk, as in Schwann.
            self.segmentation = nn.ModuleDict({str(self.trunk + n): l for n, l in enumerate(decoder(classes))})

    @staticmethod
    def decoder(ngf, antialiased, to):
        layers = []
        for f in (4, 2):
            a, b = f * ngf, f // 2 * ngf
            if antialiased:
                layers += [Lambda(blur_up), nn.Conv2d(a, b, 3, padding=1, bias=False)]
            else:
                layers += [nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1, bias=False)]
            layers += [norm(b), nn.ReLU()]
        return layers + [nn.ReflectionPad2d(3), nn.Conv2d(ngf, to, 7)]

    def features(self, x, numbers):
        found = []
        for n, l in enumerate(self.model):
            x = l(x)
            if n in numbers:
                found.append(x)
        return found

    def encode(self, x):
        for l in self.model[: self.trunk]:
            x = l(x)
        return x

    def segment(self, x):
        x = self.encode(x)
        for l in self.segmentation.values():
            x = l(x)
        return x

    def forward(self, x):
        for l in self.model:
            x = l(x)
        return x


class Discriminator(nn.Module):
    def __init__(self, ndf, antialiased):
        super().__init__()
        stride = 1 if antialiased else 2
        down = [Lambda(blur_down)] if antialiased else []
        layers = [nn.Conv2d(1, ndf, 4, stride=stride, padding=1), nn.LeakyReLU(0.2)] + down
        for a, b in ((1, 2), (2, 4)):
            layers += [nn.Conv2d(a * ndf, b * ndf, 4, stride=stride, padding=1, bias=False), norm(b * ndf), nn.LeakyReLU(0.2)] + down
        layers += [nn.Conv2d(4 * ndf, 8 * ndf, 4, padding=1, bias=False), norm(8 * ndf), nn.LeakyReLU(0.2), nn.Conv2d(8 * ndf, 1, 4, padding=1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


def drawn(net):
    """Weights large enough that no activation stays at zero."""
    with torch.no_grad():
        for p in net.parameters():
            # As they are stored, so that both sides compute with the same numbers.
            p.copy_((0.3 * torch.randn(p.shape)).float().double())
    return net


def pictures(*shape):
    return torch.tanh(torch.randn(*shape)).float().double()


def parameters(name, net, loss=None):
    named = dict(net.named_parameters())
    store(name, **{f"p.{k}": v for k, v in named.items()})
    if loss is not None:
        gradients(name, net, loss)


def gradients(name, net, loss):
    named = dict(net.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), retain_graph=True)
    store(name, **{f"g.{k}": v for k, v in zip(named, found)})


def network(name, net, f, x):
    x = x.requires_grad_()
    y = f(x)
    g = torch.randn(y.shape)
    store(name, x=x, y=y, g=g, gx=torch.autograd.grad(y, x, g, retain_graph=True)[0])
    parameters(name, net, (y * g.float().double()).sum())


for name, antialiased in (("generator", False), ("generator antialiased", True)):
    net = drawn(Generator(2, 2, antialiased))
    network(name, net, net, pictures(2, 1, 12, 16))
net = drawn(Generator(2, 1, False, 3))
network("generator with head", net, lambda x: torch.cat([net(x), net.segment(x)], 1), pictures(1, 1, 12, 12))
for name, antialiased in (("discriminator", False), ("discriminator antialiased", True)):
    net = drawn(Discriminator(2, antialiased))
    network(name, net, net, pictures(2, 1, 32, 40))


def lsgan(scores, target):
    return F.mse_loss(scores, torch.full_like(scores, target))


def fourier(a, b):
    return F.l1_loss(torch.fft.fft2(a, norm="ortho"), torch.fft.fft2(b, norm="ortho"))


layer("least squares", lambda x: lsgan(x, 1.0), torch.randn(2, 1, 3, 4))
layer("l1", F.l1_loss, torch.randn(2, 1, 3, 4), torch.randn(2, 1, 3, 4))
layer("fourier", fourier, torch.randn(2, 1, 6, 5), torch.randn(2, 1, 6, 5))
labels = torch.randint(0, 3, (2, 4, 5))
layer("cross entropy", lambda x: F.cross_entropy(x, labels, torch.tensor([0.5, 2.0, 3.0])), torch.randn(2, 3, 4, 5))
store("cross entropy", labels=labels)


class Contrast(nn.Module):
    def __init__(self, channels, width, patches, at_random):
        super().__init__()
        self.patches, self.at_random = patches, at_random
        self.first = nn.ModuleList(nn.Linear(c, width) for c in channels)
        self.second = nn.ModuleList(nn.Linear(width, width) for c in channels)

    def named(self):
        for n in range(len(self.first)):
            for part, l in (("first", self.first[n]), ("second", self.second[n])):
                for kind in ("weight", "bias"):
                    yield f"mlp.{n}.{part}.{kind}", getattr(l, kind)

    def describe(self, n, x):
        y = self.second[n](F.relu(self.first[n](x.flatten(0, 1))))
        return y / (y.pow(2).sum(1, keepdim=True).sqrt() + 1e-7)

    def sample(self, n, features, places, attention):
        rows = features.permute(0, 2, 3, 1).flatten(1, 2)
        if n < self.at_random:
            return rows[:, places[n], :], None
        if attention is None:
            whole = torch.bmm(rows, rows.permute(0, 2, 1)).softmax(2)
            logs = -torch.log(whole)
            logs = torch.where(torch.isinf(logs), torch.zeros_like(logs), logs)
            index = torch.sort((whole * logs).sum(2))[1][:, : self.patches]
            attention = whole[torch.arange(rows.shape[0])[:, None], index, :]
        return torch.bmm(attention, rows), attention

    def forward(self, source, translated, places):
        total = 0
        for n, (k, q) in enumerate(zip(source, translated)):
            keys, attention = self.sample(n, k, places, None)
            queries, _ = self.sample(n, q, places, attention)
            b = keys.shape[0]
            keys, queries = self.describe(n, keys).detach(), self.describe(n, queries)
            own = (queries * keys).sum(1, keepdim=True)
            keys, queries = (t.view(b, -1, t.shape[1]) for t in (keys, queries))
            others = torch.bmm(queries, keys.transpose(2, 1))
            p = queries.shape[1]
            others.masked_fill_(torch.eye(p, dtype=torch.bool)[None], -10.0)
            logits = torch.cat([own, others.reshape(-1, p)], 1) / 0.07
            total = total + F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
        return total / len(source)


def places(features, patches):
    return [torch.randperm(f.shape[2] * f.shape[3])[:patches] for f in features]


# A contrast alone: features as leaves, so that the attention's gradient shows.
contrast = drawn(Contrast([2, 3], 4, 5, 1))
source = [torch.randn(2, 2, 4, 4).requires_grad_(), (0.7 * torch.randn(2, 3, 3, 4)).requires_grad_()]
translated = [torch.randn(2, 2, 4, 4).requires_grad_(), torch.randn(2, 3, 3, 4).requires_grad_()]
at = places(source[:1], 5)
loss = contrast(source, translated, at)
leaves = [source[1], *translated]
store("contrast", loss=loss, places0=at[0], source0=source[0], source1=source[1], translated0=translated[0], translated1=translated[1])
for leaf, name in zip(torch.autograd.grad(loss, leaves, retain_graph=True), ("gsource1", "gtranslated0", "gtranslated1")):
    store("contrast", **{name: leaf})
weights = dict(contrast.named())
store("contrast", **{f"p.{k}": v for k, v in weights.items()})
store("contrast", **{f"g.{k}": v for k, v in zip(weights, torch.autograd.grad(loss, list(weights.values())))})

# One step of each translator.
there, back = drawn(Generator(2, 1, False, 3)), drawn(Generator(2, 1, False, 3))
target_judge, source_judge = drawn(Discriminator(2, False)), drawn(Discriminator(2, False))
s, t = pictures(2, 1, 32, 32), pictures(2, 1, 32, 32)
labels = torch.randint(0, 3, (2, 32, 32))
to_target, to_source = there(s), back(t)
again_s, again_t = back(to_target), there(to_source)
taught = lambda scores: F.cross_entropy(scores, labels, torch.tensor([0.1, 1.0, 2.0]))
loss = (
    lsgan(target_judge(to_target), 1.0)
    + lsgan(source_judge(to_source), 1.0)
    + 10 * (F.l1_loss(again_s, s) + F.l1_loss(again_t, t))
    + 5 * (F.l1_loss(there(t), t) + F.l1_loss(back(s), s))
    + 3 * (fourier(again_s, s) + fourier(again_t, t))
    + 2 * (taught(there.segment(s)) + taught(back.segment(to_target)))
)
store("cycle", s=s, t=t, labels=labels, loss=loss)
parameters("cycle.there", there, loss)
parameters("cycle.back", back, loss)
judged = 0.5 * (lsgan(target_judge(to_target.detach()), 0.0) + lsgan(target_judge(t), 1.0))
store("cycle", judged=judged)
parameters("cycle.target_judge", target_judge, judged)
parameters("cycle.source_judge", source_judge)

generator, judge = drawn(Generator(2, 5, True)), drawn(Discriminator(2, True))
layers, patches = [0, 4, 8, 12, 16], 6
contrast = drawn(Contrast([1, 4, 8, 8, 8], 5, patches, 3))
s, t = pictures(2, 1, 32, 32), pictures(2, 1, 32, 32)
store("query", s=s, t=t)
translated, kept = generator(s), generator(t)
terms = []
for name, real, made in (("s", s, translated), ("t", t, kept)):
    known = generator.features(real, layers)
    at = places(known[:3], patches)
    store("query", **{f"places.{name}.{n}": p for n, p in enumerate(at)})
    terms.append(contrast(known, generator.features(made, layers), at))
loss = lsgan(judge(translated), 1.0) + 0.5 * (terms[0] + terms[1])
store("query", loss=loss)
parameters("query.generator", generator, loss)
parameters("query.judge", judge)
weights = dict(contrast.named())
store("query.contrast", **{f"p.{k}": v for k, v in weights.items()})
store("query.contrast", **{f"g.{k}": v for k, v in zip(weights, torch.autograd.grad(loss, list(weights.values())))})

save_file(out, "golden.safetensors")
