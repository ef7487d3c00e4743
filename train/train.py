#!/usr/bin/python3
"""Trains a small Qwen2 from token files of "callama data tokens", on CPUs or a GPU. README.md has the recipe.

It writes model.safetensors and config.json as Hugging Face's Qwen2ForCausalLM has them, loss.csv,
loss.png and, to go on from, state.pt.
"""
import os
import sys

# glibc gives large blocks back to the system and gets them zeroed again, a page fault for each 4 KiB:
# half of the time of the element-wise work. These are read when a process starts.
ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "ATEN_CPU_CAPABILITY": "avx512",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "8192", "OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1",
}
if os.environ.get("MALLOC_MMAP_MAX_") != "0" and __name__ == "__main__":
    if "avx512bw" not in open("/proc/cpuinfo").read():
        del ENVIRONMENT["ATEN_CPU_CAPABILITY"]
    os.environ.update(ENVIRONMENT)
    os.execv(sys.executable, [sys.executable] + sys.argv)

import argparse
import collections
import concurrent.futures
import ctypes
import json
import math
import multiprocessing
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F

EPS = 1e-6  # of the norms; config.json and the GGUF say the same

# ---------------------------------------------------------------- data


class Conversations:
    """What can be asked of one file or of several: all by places, the file of each conversation and its number there."""

    def rows(self, numbers, width):
        """The conversations as a padded matrix of ids, and the weights of their tokens."""
        ids = np.zeros((len(numbers), width), np.int64)
        weights = np.zeros((len(numbers), width), np.uint8)
        for row, (file, number) in enumerate(self.places(numbers)):
            n = min(int(file.lengths[number]), width)
            start = file.ends[number] - int(file.lengths[number])
            ids[row, :n] = file.ids[start:start + n]
            weights[row, :n] = file.weights[start:start + n]
        return torch.from_numpy(ids), torch.from_numpy(weights)

    def sample(self, numbers):
        """The ids of some conversations."""
        return [file.ids[file.ends[n] - file.lengths[n]:file.ends[n]] for file, n in self.places(numbers)]


class TokenFile(Conversations):
    """A file of "callama data tokens", mapped, not read."""

    MAGIC = b"CALTOK01"

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            head = f.read(24)
        if len(head) < 24 or head[:8] != self.MAGIC:
            sys.exit(f"{path}: no token file")
        self.vocab, conversations, tokens = struct.unpack("<IIQ", head[8:])
        if os.path.getsize(path) != 24 + 4 * conversations + 3 * tokens:
            sys.exit(f"{path}: its size is not what its header says")
        self.lengths = np.memmap(path, "<u4", "r", 24, conversations)
        self.ids = np.memmap(path, "<u2", "r", 24 + 4 * conversations, tokens)
        self.weights = np.memmap(path, "u1", "r", 24 + 4 * conversations + 2 * tokens, tokens)
        self.ends = np.cumsum(self.lengths, dtype=np.int64)
        if conversations == 0 or self.ends[-1] != tokens:
            sys.exit(f"{path}: the lengths do not add up to the tokens")

    def places(self, numbers):
        return [(self, n) for n in numbers]


class Joined(Conversations):
    """Several token files as one: a stage that has conversations of several kinds."""

    def __init__(self, files):
        self.files, self.path = files, "+".join(f.path for f in files)
        self.vocab = max(f.vocab for f in files)
        self.lengths = np.concatenate([f.lengths for f in files])
        self.begins = np.cumsum([0] + [len(f.lengths) for f in files])

    def places(self, numbers):
        which = np.searchsorted(self.begins, numbers, side="right") - 1
        return [(self.files[k], n - self.begins[k]) for k, n in zip(which, numbers)]


def open_tokens(paths):
    """The file of "a.tok", or the files of "a.tok+b.tok" as one."""
    files = [TokenFile(path) for path in paths.split("+")]
    return files[0] if len(files) == 1 else Joined(files)


def special(tokenizer, text):
    """The id of a special token."""
    with open(os.path.join(tokenizer, "tokenizer.json")) as f:
        return next((t["id"] for t in json.load(f).get("added_tokens", []) if t["content"] == text), -1)


class WordSwap:
    """Replaces rare words by others, in a conversation everywhere the same.

    The names, words and characters of the training data are few, and a model that has seen only them
    copies only them. With words swapped a conversation stays right as long as what is asked
    for is found by copying and comparing, and every token of the vocabulary is copied sooner or later.
    """

    RARE = 0.04  # words in a larger share of the conversations are what sentences and schemas are made of
    SAMPLE = 3000  # conversations in which they are counted

    # Words of JSON Schema and of values, some of them rare.
    KEPT = set("""type object string number integer boolean array items enum required format minimum maximum
        properties description parameters name arguments default true false null date time email uri""".split())

    # Words that sentences are made of: as a value none of them would teach where values end.
    GLUE = set("""a about above after again all also always am an and another any are as at away back be because been
        before being below best better between both but by can could did do does doing done down during each either else
        enough even ever every few find first for from get give go goes going good got had has have he her here him his
        how however i if in instead into is it its just keep know last least less let like little long look lot love made
        make makes many may me mean might mine more most much must my need needs never new next no none nor not nothing
        now of off often on once one only or other others ought our out over own per perhaps please put quite rather
        really right said same say says see seem set shall she should show since so some something soon still such take
        tell than thank thanks that the their them then there these they thing things think this those though through
        till to today too took try two under until up upon us use used very want was way we well went were what when
        where whether which while who whom whose why will wish with within without would yes yet you your yours""".split())
    # Days, times and durations, which tell themselves from a name before them.
    GLUE |= set("""today tomorrow tonight yesterday weekend monday tuesday wednesday thursday friday saturday sunday morning
        afternoon evening noon night day days week weeks month months year years hour hours minute minutes second seconds
        am pm dollars euros percent""".split()) | set("今明昨后天周星期末早晚上下午点分钟小时月年日号元块百")
    GLUE |= set("的一是了我不人在他有这个上们来到时大地为子中你说着就那和要她出也得里后自以会家可下过去能对小多然于之都好看起发"
                "当没成只如把还用第样作从无己前些所同日手又被应定须由与或及其此则若且吧吗呢啊嗯哦嘛请让给将使令叫做改换设选填写取"
                "加再先最更很太真什么怎几谁哪何每各该您它向往按照据关于等即才便却而但因所已经正刚另外除希望想知道告诉帮劳驾打算")

    def __init__(self, tokenizer, file, share, kept=()):
        with open(os.path.join(tokenizer, "tokenizer.json")) as f:
            vocab = json.load(f)["model"]["vocab"]
        seen = np.zeros(max(file.vocab, len(vocab)), np.int64)
        sample = np.random.default_rng(0).permutation(len(file.lengths))[:self.SAMPLE]
        for ids in file.sample(sample):
            seen[np.unique(ids)] += 1
        stays = self.KEPT | {w for word in self.GLUE for w in (word, word.capitalize())} | self.words_of(kept)
        self.share, self.kind = share, np.zeros(len(seen), np.int8)  # 0: stays
        for text, i in vocab.items():
            if seen[i] < self.RARE * len(sample) and self.plain(text) not in stays:
                self.kind[i] = self.kind_of(text)
        self.members = [np.flatnonzero(self.kind == k) for k in range(4)]

    @staticmethod
    def words_of(files):
        """The words and the characters outside ASCII of pools: of enumerations, which a call may translate, and of
        phrases, less those that are held out."""
        out = set()
        for path in files:
            with open(path, encoding="utf-8") as f:
                for line in f:
                    if line.startswith("#") or "~" in line:
                        continue
                    for word in re.findall(r"[A-Za-z]+|[^\x00-\x7f]", line):
                        out |= {word, word.lower(), word.capitalize()}
        return out

    @staticmethod
    def plain(text):
        """A vocabulary's text without its alphabet; itself where that is no text."""
        try:
            return bytes(BYTES[c] for c in text).decode()
        except (KeyError, UnicodeDecodeError):
            return text

    @staticmethod
    def kind_of(text):
        """1: a small word or part of one, 2: one with a capital, 3: a character outside ASCII."""
        if text.isascii() and text.isalpha():
            return 1 if text.islower() else 2
        codes = [BYTES.get(c, 0) for c in text]
        try:
            return 3 if len(bytes(codes).decode()) == 1 and codes[0] >= 0x80 else 0
        except UnicodeDecodeError:
            return 0

    def __call__(self, ids, rng):
        for row in ids:
            if rng.random() >= self.share:
                continue
            present = np.unique(row)
            much = 1 if rng.random() < 0.5 else rng.random()
            chosen = present[(self.kind[present] > 0) & (rng.random(len(present)) < much)]
            table = np.arange(len(self.kind))
            for k in (1, 2, 3):
                old = chosen[self.kind[chosen] == k]
                new = rng.permutation(np.setdiff1d(self.members[k], present))[:len(old)]
                table[old[:len(new)]] = new
            row[:] = table[row]


class NameSwap:
    """Replaces the first word of functions' names, in a conversation everywhere the same.

    A weather function is mostly called get_weather, and a model that has learned that writes "get" without a
    look at the functions it has. With other words in its place it has to look. For data in which calls begin
    with a brace that nothing stands before, as between tags.
    """

    def __init__(self, tokenizer, share):
        spelled = spellings(tokenizer)
        self.share = share
        self.name = [spelled[t] for t in (b"name", b'":', b' "')]
        self.first, self.later = spelled[b'{"'], spelled[b' "']  # what stands before "name": in calls, in functions
        self.end = special(tokenizer, "</tools>")
        self.words = [i for text, i in spelled.items() if len(text) > 2 and text.isalpha() and text.islower()]

    def names(self, row):
        """The places where names of functions begin."""
        at = np.flatnonzero(row == self.name[-1]) + 1
        at = at[(at > len(self.name)) & (at + 4 < len(row))]
        for k, token in enumerate(reversed(self.name), 1):
            at = at[row[at - k] == token]
        before = row[at - len(self.name) - 1]
        tools = np.flatnonzero(row == self.end)
        listed = at < (tools[0] if len(tools) else 0)
        return at[(before == self.first) | (before == self.later) & listed]

    def __call__(self, ids, rng):
        rows = [(row, self.names(row)) for row in ids]
        others = [int(t) for row, at in rows for t in row[at]]
        for row, at in rows:
            if rng.random() >= self.share:
                continue
            new = {}
            for a in at:
                name = tuple(row[a:a + 4])  # enough to tell the functions of a conversation apart
                if name not in new:
                    words = others if rng.random() < 0.5 else self.words
                    new[name] = words[rng.integers(len(words))] if rng.random() < 0.7 else name[0]
                    if (new[name], *name[1:]) in [(v, *k[1:]) for k, v in new.items() if k != name]:
                        new[name] = name[0]
                row[a] = new[name]


class Choices:
    """Gives more weight to the tokens in which an answer is decided.

    Nine of ten tokens of a call are syntax and copies that nothing can be learned from any more. Which function
    is called and whether one is are two or three tokens of thirty, and learned last.
    """

    def __init__(self, tokenizer, weight):
        spelled = spellings(tokenizer)
        self.weight = weight
        self.before_name = [spelled[b"name"], spelled[b'":'], spelled[b' "']]
        self.before_answer = [spelled[b"assistant"], spelled[b"\n"]]
        self.quotes = torch.zeros(max(spelled.values()) + 1, dtype=torch.bool)
        self.quotes[[i for text, i in spelled.items() if b'"' in text]] = True

    def __call__(self, ids, weight):
        """weight: of the token after each place; changed in place."""
        quote = self.quotes[ids.clamp(max=len(self.quotes) - 1)]
        chosen = within = self.after(ids, self.before_name)
        for _ in range(12):  # tokens of a name
            within = torch.cat([torch.zeros_like(within[:, :1]), within[:, :-1]], 1) & ~quote
            chosen = chosen | within
        chosen = chosen | self.after(ids, self.before_answer)
        weight[chosen & (weight > 0)] *= self.weight

    @staticmethod
    def after(ids, tokens):
        """The places at which these tokens end."""
        out = torch.ones_like(ids, dtype=torch.bool)
        for back, token in enumerate(reversed(tokens)):
            out[:, back:] &= ids[:, :ids.shape[1] - back] == token
            out[:, :back] = False
        return out


def byte_alphabet():
    """The characters by which byte-level BPE spells bytes, to the bytes (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


BYTES = byte_alphabet()


def spellings(tokenizer):
    """The ids of the tokens by their bytes."""
    with open(os.path.join(tokenizer, "tokenizer.json")) as f:
        vocab = json.load(f)["model"]["vocab"]
    return {bytes(BYTES[c] for c in text): i for text, i in vocab.items() if all(c in BYTES for c in text)}


WIDTH_STEP = 16  # rows are padded to a multiple: oneDNN compiles its kernels anew for each shape
WINDOW = 2048  # conversations that are sorted by length together


def micro_batches(file, tokens, longest, rng):
    """One pass: lists of conversations of like length, about as many tokens each."""
    order = rng.permutation(len(file.lengths))
    for at in range(0, len(order), WINDOW):
        window = order[at:at + WINDOW]
        window = window[np.argsort(file.lengths[window], kind="stable")]
        out = []
        while len(window):
            width = padded(int(file.lengths[window[-1]]), longest)
            n = max(1, tokens // width)
            out.append((window[-n:], width))
            window = window[:-n]
        for i in rng.permutation(len(out)):
            yield out[i]


def padded(length, longest):
    return min(longest, -(-length // WIDTH_STEP) * WIDTH_STEP)


# ---------------------------------------------------------------- the model


class Shape:
    """The sizes of a model, under the names of Hugging Face's configuration."""

    FIELDS = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
              "intermediate_size", "max_position_embeddings", "rope_theta")

    def __init__(self, **sizes):
        for name in self.FIELDS:
            setattr(self, name, sizes[name])
        self.head = self.hidden_size // self.num_attention_heads

    def config(self):
        out = {name: getattr(self, name) for name in self.FIELDS}
        out.update(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_act="silu", rms_norm_eps=EPS,
                   tie_word_embeddings=True, use_sliding_window=False, torch_dtype="float32")
        return out

    @staticmethod
    def read(path):
        with open(path) as f:
            return Shape(**{k: v for k, v in json.load(f).items() if k in Shape.FIELDS})

    def parts(self):
        """The model's own tensors, each one or several of the published names stacked, with their sizes."""
        d, kv, f = self.hidden_size, self.num_key_value_heads * self.head, self.intermediate_size
        out = {"embed": [("model.embed_tokens.weight", (self.vocab_size, d))]}
        for i in range(self.num_hidden_layers):
            p = f"model.layers.{i}."
            a, m = p + "self_attn.", p + "mlp."
            out[f"{i}.norm1"] = [(p + "input_layernorm.weight", (d,))]
            out[f"{i}.qkv"] = [(a + "q_proj.weight", (d, d)), (a + "k_proj.weight", (kv, d)), (a + "v_proj.weight", (kv, d))]
            out[f"{i}.bias"] = [(a + "q_proj.bias", (d,)), (a + "k_proj.bias", (kv,)), (a + "v_proj.bias", (kv,))]
            out[f"{i}.o"] = [(a + "o_proj.weight", (d, d))]
            out[f"{i}.norm2"] = [(p + "post_attention_layernorm.weight", (d,))]
            out[f"{i}.gu"] = [(m + "gate_proj.weight", (f, d)), (m + "up_proj.weight", (f, d))]
            out[f"{i}.down"] = [(m + "down_proj.weight", (d, f))]
        out["norm"] = [("model.norm.weight", (d,))]
        return out


LOOK_BACK_BIAS = 6.0  # size of the biases by which heads look back; 98 % of the weight at its place
LOOK_BACK_PAIRS = 10  # fastest turning pairs of a head that have them


def look_back(shape, bias):
    """Makes the heads of the first group look 1, 2, … tokens back, by the biases of queries and keys.

    Copying needs a head that finds where the last token stood before, and for that one that tells each
    token what stands before it. The second kind depends on positions only, so it can be set, and then
    the first is learned in a tenth of the time. All of it is trained on.
    """
    d, half, n = shape.hidden_size, shape.head // 2, min(LOOK_BACK_PAIRS, shape.head // 2)
    rate = shape.rope_theta ** (-torch.arange(0, shape.head, 2).float() / shape.head)
    bias[d:d + n] = LOOK_BACK_BIAS
    for head in range(shape.num_attention_heads // shape.num_key_value_heads):
        turn, at = rate[:n] * (head + 1), head * shape.head
        bias[at:at + n] = LOOK_BACK_BIAS * torch.cos(turn)
        bias[at + half:at + half + n] = -LOOK_BACK_BIAS * torch.sin(turn)


def grow(shape, values, count):
    """A model with more layers that says the same: copies whose outputs are zero, spread among the others.

    Blocks that begin as the identity (Wu et al., "LLaMA Pro", 2024) go on from what is learned.
    """
    after = [max(1, (k + 1) * shape.num_hidden_layers // (count + 1)) - 1 for k in range(count)]
    out, to = {k: v for k, v in values.items() if "." not in k}, 0
    for layer in range(shape.num_hidden_layers):
        parts = {k.split(".")[1]: v for k, v in values.items() if k.startswith(f"{layer}.")}
        for new in range(1 + after.count(layer)):
            for kind, v in parts.items():
                out[f"{to}.{kind}"] = torch.zeros_like(v) if new and kind in ("o", "down") else v.clone()
            to += 1
    sizes = {name: getattr(shape, name) for name in Shape.FIELDS}
    return Shape(**sizes | {"num_hidden_layers": to}), out


def initial(shape, seed, look_back_layers=0):
    """Fresh parameters: normal with deviation 0.02, the layers' outputs less the deeper the model."""
    gen = torch.Generator().manual_seed(seed)
    out = {}
    for name, pieces in shape.parts().items():
        size = (sum(s[0] for _, s in pieces),) + pieces[0][1][1:]
        kind = name.split(".")[-1]
        if kind.startswith("norm"):
            out[name] = torch.ones(size)
        elif kind == "bias":
            out[name] = torch.zeros(size)
        else:
            deviation = 0.02
            if kind in ("qkv", "gu", "o", "down"):
                deviation = 0.5 / math.sqrt(size[1])
            if kind in ("o", "down"):
                deviation /= math.sqrt(2 * shape.num_hidden_layers)
            out[name] = torch.randn(size, generator=gen) * deviation
    for layer in range(min(look_back_layers, shape.num_hidden_layers)):
        look_back(shape, out[f"{layer}.bias"])
    return out


# ---------------------------------------------------------------- operations


class TorchOps:
    """The element-wise parts in PyTorch's own operations: the reference of kernels.c."""

    name = "torch"

    @staticmethod
    def add_norm(x, delta, w, dtype):
        x = x if delta is None else x + delta.float()
        return x, (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * w).to(dtype)

    @staticmethod
    def split_heads(qkv, b, t, shape, cos, sin):
        return TorchOps.heads(qkv.view(b, t, -1), shape.num_attention_heads, shape.num_key_value_heads, cos, sin)

    @staticmethod
    def heads(qkv, h, kv, cos, sin):  # (b, t, ...), to (b, heads, t, ...)
        hd = qkv.shape[-1] // (h + 2 * kv)
        qkv = qkv.unflatten(-1, (h + 2 * kv, hd)).transpose(1, 2).float()
        a, c = qkv[:, :h + kv].chunk(2, -1)
        turned = torch.cat((a * cos - c * sin, c * cos + a * sin), -1)
        q = turned[:, :h] * hd ** -0.5
        return tuple(v.to(COMPUTE) for v in (q, turned[:, h:], qkv[:, h + kv:]))

    @staticmethod
    def causal_softmax(scores):  # (..., t, t)
        t = scores.shape[-1]
        mask = torch.full((t, t), -math.inf).triu(1)
        return torch.softmax(scores.float() + mask, -1).to(scores.dtype)

    @staticmethod
    def attention(q, k, v):
        b, h, t, hd = q.shape
        kv = k.shape[1]
        scores = q.reshape(b * kv, h // kv * t, hd) @ k.reshape(b * kv, t, hd).transpose(1, 2)
        p = TorchOps.causal_softmax(scores.view(-1, t, t)).view(scores.shape)
        return (p @ v.reshape(b * kv, t, hd)).view(b, h, t, hd).transpose(1, 2).reshape(b * t, h * hd)

    @staticmethod
    def swiglu(gu):
        gate, up = gu.float().chunk(2, -1)
        return (F.silu(gate) * up).to(gu.dtype)

    @staticmethod
    def loss(h, embed, target, weight):
        logits = (h @ embed.t()).float()
        losses = F.cross_entropy(logits, target, reduction="none")
        return (losses * weight).sum(), losses.detach(), logits.detach().argmax(-1) == target


class CudaOps(TorchOps):
    """The same for GPUs, where the attention is a kernel of PyTorch's that keeps no scores."""

    name = "CUDA"

    @staticmethod
    def attention(q, k, v):
        b, h, t, hd = q.shape
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=1.0, enable_gqa=True)
        return out.transpose(1, 2).reshape(b * t, h * hd)


class CompiledOps(CudaOps):
    """The same, but what is done element by element is one kernel or two of torch.compile's.

    Function by function, with the number of rows open: a whole model had not been compiled after 90 seconds.
    """

    name = "CUDA, compiled"
    ROWS = {"add_norm": {0: 1, 1: 1}, "heads": {0: 2, 3: 1, 4: 1}, "swiglu": {0: 1}, "loss": {0: 1, 2: 1, 3: 1}}

    @classmethod
    def begin(cls):
        import torch._dynamo
        import torch._inductor.config
        torch._dynamo.config.recompile_limit = 64  # first and later norms, with and without gradients
        torch._inductor.config.compile_threads = 1  # else it forks, with the GPU in use
        for name, rows in cls.ROWS.items():
            setattr(cls, name, staticmethod(cls.compiled(getattr(CudaOps, name), rows)))
        return cls

    @staticmethod
    def compiled(function, rows):
        """The function compiled, for arguments of which the first dimensions, as many as rows says, have any size."""
        made = torch.compile(function, fullgraph=True)

        def call(*args):
            for at, dims in rows.items():
                if args[at] is not None:
                    torch._dynamo.maybe_mark_dynamic(args[at], list(range(dims)))
            return made(*args)
        return call

    @classmethod
    def split_heads(cls, qkv, b, t, shape, cos, sin):
        return cls.heads(qkv.view(b, t, -1), shape.num_attention_heads, shape.num_key_value_heads, cos, sin)


DEVICE = torch.device("cpu")
COMPUTE = torch.bfloat16  # type of the matrix products; --f32 changes it
LIB = None  # kernels.c, compiled


def compile_kernels():
    """Builds kernels.c for this processor, once for each version of it, and loads it."""
    global LIB
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.c")
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        return False
    flags = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC"]
    out = os.path.join(tempfile.mkdtemp(prefix="callama-train-"), "kernels.so")
    done = subprocess.run([compiler, *flags, "-o", out, source, "-lm"], capture_output=True, text=True)
    if done.returncode:
        print(f"kernels.c does not compile, PyTorch's operations do its work:\n{done.stderr}", file=sys.stderr)
        return False
    np.finfo(np.float64), np.finfo(np.float32)  # asked for before the library makes subnormal numbers zero
    LIB = ctypes.CDLL(out)
    shutil.rmtree(os.path.dirname(out))
    return True


def call(function, *args):
    """Calls a kernel: tensors by address, None as a null pointer. They must be contiguous."""
    out = []
    for a in args:
        if isinstance(a, torch.Tensor):
            assert a.is_contiguous()
            out.append(ctypes.c_void_p(a.data_ptr()))
        elif isinstance(a, float):
            out.append(ctypes.c_float(a))
        elif a is None:
            out.append(ctypes.c_void_p(0))
        else:
            out.append(ctypes.c_long(a))
    getattr(LIB, function)(*out)


class AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, delta, w):
        n, d = x.shape
        total, h, scale = torch.empty_like(x), torch.empty(n, d, dtype=torch.bfloat16), torch.empty(n)
        call("add_norm_forward", n, d, EPS, x, delta, w, total, h, scale)
        ctx.save_for_backward(total, w, scale)
        ctx.has_delta = delta is not None
        return total, h

    @staticmethod
    def backward(ctx, dtotal, dh):
        total, w, scale = ctx.saved_tensors
        n, d = total.shape
        dx, dw = torch.empty_like(total), torch.zeros_like(w)
        ddelta = torch.empty(n, d, dtype=torch.bfloat16) if ctx.has_delta else None
        call("add_norm_backward", n, d, total, w, scale, dtotal, dh.contiguous(), dx, ddelta, dw)
        return dx, ddelta, dw


class SplitHeads(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, b, t, shape, cos, sin):
        h, kv, hd = shape.num_attention_heads, shape.num_key_value_heads, shape.head
        q = torch.empty(b, h, t, hd, dtype=torch.bfloat16)
        k, v = (torch.empty(b, kv, t, hd, dtype=torch.bfloat16) for _ in range(2))
        call("split_heads_forward", b, t, h, kv, hd, hd ** -0.5, qkv, cos, sin, q, k, v)
        ctx.sizes, ctx.tables = (b, t, h, kv, hd), (cos, sin)
        return q, k, v

    @staticmethod
    def backward(ctx, dq, dk, dv):
        b, t, h, kv, hd = ctx.sizes
        dqkv = torch.empty(b * t, (h + 2 * kv) * hd, dtype=torch.bfloat16)
        call("split_heads_backward", b, t, h, kv, hd, hd ** -0.5, dq.contiguous(), dk.contiguous(), dv.contiguous(),
             *ctx.tables, dqkv)
        return dqkv, None, None, None, None, None


class Attention(torch.autograd.Function):
    """Causal attention with grouped heads; the probabilities are kept for the way back."""

    @staticmethod
    def forward(ctx, q, k, v):
        b, h, t, hd = q.shape
        kv = k.shape[1]
        q, k, v = q.view(b * kv, h // kv * t, hd), k.view(b * kv, t, hd), v.view(b * kv, t, hd)
        p = torch.bmm(q, k.transpose(1, 2))
        call("causal_softmax_forward", b * h, t, p, torch.empty(t))
        ctx.save_for_backward(q, k, v, p)
        ctx.sizes = b, h, kv, t, hd
        return torch.bmm(p, v).view(b, h, t, hd).transpose(1, 2).reshape(b * t, h * hd)

    @staticmethod
    def backward(ctx, do):
        q, k, v, p = ctx.saved_tensors
        b, h, kv, t, hd = ctx.sizes
        do = do.view(b, t, h, hd).transpose(1, 2).reshape(b * kv, h // kv * t, hd)
        dv = torch.bmm(p.transpose(1, 2), do)
        ds = torch.bmm(do, v.transpose(1, 2))
        call("causal_softmax_backward", b * h, t, p, ds)
        dq, dk = torch.bmm(ds, k), torch.bmm(ds.transpose(1, 2), q)
        return dq.view(b, h, t, hd), dk.view(b, kv, t, hd), dv.view(b, kv, t, hd)


class SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gu):
        n, f = gu.shape[0], gu.shape[1] // 2
        out = torch.empty(n, f, dtype=torch.bfloat16)
        call("swiglu_forward", n, f, gu, out)
        ctx.save_for_backward(gu)
        return out

    @staticmethod
    def backward(ctx, dout):
        gu, = ctx.saved_tensors
        dgu = torch.empty_like(gu)
        call("swiglu_backward", gu.shape[0], gu.shape[1] // 2, gu, dout.contiguous(), dgu)
        return dgu


LOSS_ROWS = 256  # logits of so many positions at a time stay in the cache


class Loss(torch.autograd.Function):
    """Sum of weight * cross entropy. The gradients come with the loss, so no logits are kept."""

    @staticmethod
    def forward(ctx, h, embed, target, weight):
        n, v = h.shape[0], embed.shape[0]
        losses, right, row = torch.empty(n), torch.empty(n, dtype=torch.uint8), torch.empty(v)
        dh, dembed = torch.empty_like(h), torch.zeros(embed.shape)
        for at in range(0, n, LOSS_ROWS):
            part = slice(at, at + LOSS_ROWS)
            logits = h[part] @ embed.t()
            call("cross_entropy", logits.shape[0], v, logits, target[part], weight[part], row, losses[part], right[part])
            if ctx.needs_input_grad[0]:
                dh[part] = logits @ embed
                dembed += logits.t() @ h[part]
        ctx.grads = dh, dembed.to(embed.dtype)
        return (losses * weight).sum(), losses, right.bool()

    @staticmethod
    def backward(ctx, scale, *_):
        dh, dembed = ctx.grads
        return dh, dembed, None, None


class KernelOps:
    """The same with kernels.c, in bfloat16."""

    name = "kernels.c"
    split_heads, attention, swiglu, loss = SplitHeads.apply, Attention.apply, SwiGLU.apply, Loss.apply

    @staticmethod
    def add_norm(x, delta, w, dtype):
        return AddNorm.apply(x, delta, w)


def angles(shape, t):
    """cos and sin of the rotary embedding for t positions, (t, head/2)."""
    rate = shape.rope_theta ** (-torch.arange(0, shape.head, 2, dtype=torch.float64) / shape.head)
    turns = torch.outer(torch.arange(t, dtype=torch.float64), rate)
    return turns.cos().float(), turns.sin().float()


def forward(ops, shape, w, ids, tables):
    """The hidden states after the last norm, (b*t, d). w: the parameters in the type of the products."""
    b, t = ids.shape
    cos, sin = (v[:t] for v in tables)
    x, delta = F.embedding(ids.view(-1), w["lookup"]), None
    for i in range(shape.num_hidden_layers):
        x, h = ops.add_norm(x, delta, w[f"{i}.norm1"], COMPUTE)
        qkv = F.linear(h, w[f"{i}.qkv"], w[f"{i}.bias"])
        o = ops.attention(*ops.split_heads(qkv, b, t, shape, cos, sin))
        x, h = ops.add_norm(x, F.linear(o, w[f"{i}.o"]), w[f"{i}.norm2"], COMPUTE)
        delta = F.linear(ops.swiglu(F.linear(h, w[f"{i}.gu"])), w[f"{i}.down"])
    return ops.add_norm(x, delta, w["norm"], COMPUTE)[1]


# ---------------------------------------------------------------- training


def q4_0(v):
    """What Q4_0 keeps of a vector: blocks of 32, each 16 steps of a 16-bit float (ggml's quantize_row_q4_0_ref)."""
    x = v.view(-1, 32)
    top = x.gather(1, x.abs().argmax(1, keepdim=True))
    step = top / -8
    level = torch.where(step == 0, torch.zeros_like(x), x / step)
    return ((level + 8.5).floor().clamp(0, 15) - 8).mul(step.half().float()).view(-1)


class Parameters:
    """Float32 parameters by name, what is trained of them, and their form for the matrix products.

    quantized: the products see the matrices as Q4_0 keeps them, and the gradients are taken as if they were those of
    the parameters themselves (the straight-through estimator of Bengio et al., 2013).
    """

    def __init__(self, shape, values, lora=None):
        self.shape, self.values, self.lora, self.quantized = shape, values, lora, False
        self.trained = lora.values if lora else values
        self.matrices = [k for k, v in values.items() if v.dim() == 2]

    def compute(self, grad):
        """The tensors that forward takes: copies, leaves if their gradients are wanted."""
        values = self.values
        if self.quantized:
            flat = q4_0(torch.cat([values[k].view(-1) for k in self.matrices]))
            parts = flat.split([values[k].numel() for k in self.matrices])
            values = values | {k: part.view(values[k].shape) for k, part in zip(self.matrices, parts)}
        lookup = values["embed"]
        if self.lora:
            values = self.lora.merged(values)
        out = {k: v.to(torch.float32 if "norm" in k else COMPUTE) for k, v in values.items()}
        out["lookup"] = lookup
        return {k: v.detach().requires_grad_(grad) for k, v in out.items()}

    def gradients(self, grads):
        """From gradients of what compute gave to those of what is trained."""
        grads["embed"] += grads.pop("lookup")
        return self.lora.gradients(grads) if self.lora else grads


class LoRA:
    """W + alpha/rank * B A for every matrix of the layers, published name by published name."""

    def __init__(self, shape, rank, alpha, seed):
        self.shape, self.rank, self.alpha = shape, rank, alpha
        gen = torch.Generator().manual_seed(seed)
        self.values, self.pieces = {}, {}
        for name, pieces in shape.parts().items():
            if name.split(".")[-1] not in ("qkv", "o", "gu", "down"):
                continue
            self.pieces[name] = [published.removesuffix(".weight") for published, _ in pieces]
            for published, (rows, columns) in pieces:
                module = published.removesuffix(".weight")
                self.values[module + ".lora_A"] = torch.randn(rank, columns, generator=gen) / math.sqrt(columns)
                self.values[module + ".lora_B"] = torch.zeros(rows, rank)

    def merged(self, base):
        out = dict(base)
        for name, modules in self.pieces.items():
            change = torch.cat([self.values[m + ".lora_B"] @ self.values[m + ".lora_A"] for m in modules])
            out[name] = base[name] + self.alpha / self.rank * change
        return out

    def gradients(self, grads):
        out, s = {}, self.alpha / self.rank
        for name, modules in self.pieces.items():
            rows = [self.values[m + ".lora_B"].shape[0] for m in modules]
            for m, g in zip(modules, grads[name].split(rows)):
                out[m + ".lora_A"] = s * self.values[m + ".lora_B"].t() @ g
                out[m + ".lora_B"] = s * g @ self.values[m + ".lora_A"].t()
        return out


def orthogonal(m):
    """The nearest matrix with all singular values about 1, by five Newton-Schulz steps (Jordan, 2024).

    m: a matrix, or several of one shape, (n, rows, columns).
    """
    x = m.to(COMPUTE)
    if flip := x.shape[-2] > x.shape[-1]:
        x = x.transpose(-2, -1).contiguous()
    x = x / (x.float().pow(2).sum((-2, -1), keepdim=True).sqrt() + 1e-7).to(COMPUTE)
    for _ in range(5):
        a = x @ x.transpose(-2, -1)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.transpose(-2, -1) if flip else x).float()


class Optimizer:
    """AdamW, or Muon for the layers' matrices and AdamW for the rest.

    Muon's step has the size that AdamW's has (0.2 * sqrt(longer side), Liu et al., 2025), so one
    learning rate fits both.
    """

    BETAS = 0.9, 0.95
    MOMENTUM = 0.95

    def __init__(self, values, muon, decay):
        self.values, self.decay, self.steps = values, decay, 0
        self.first = {k: torch.zeros_like(v) for k, v in values.items()}
        self.muon = {k for k in values if muon and k.split(".")[-1] in ("qkv", "o", "gu", "down")}
        self.second = {k: torch.zeros_like(v) for k, v in values.items() if k not in self.muon}

    def step(self, grads, rate, pool, shape):
        self.steps += 1
        if DEVICE.type == "cuda":
            self.together(grads, rate, shape)
        else:
            list(pool.map(lambda name: self.one(name, grads[name], rate, shape), self.values))

    def together(self, grads, rate, shape):
        """The same with few kernels: what has one shape at once."""
        for name in self.values.keys() - self.muon:
            self.one(name, grads[name], rate, shape)
        names = [k for k in self.values if k in self.muon]
        if not names:
            return
        moments, updates = [self.first[k] for k in names], [grads[k] for k in names]
        torch._foreach_mul_(moments, self.MOMENTUM)
        torch._foreach_add_(moments, updates)
        torch._foreach_add_(updates, moments, alpha=self.MOMENTUM)
        pieces = collections.defaultdict(list)
        for name, update in zip(names, updates):
            rows = [size[0] for _, size in shape.parts()[name]]
            for piece in zip(self.values[name].split(rows), update.split(rows)):
                pieces[piece[1].shape].append(piece)
        for size, both in pieces.items():
            values, updates = zip(*both)
            turned = orthogonal(torch.stack(updates)) * (-rate * 0.2 * math.sqrt(max(size)))
            torch._foreach_mul_(values, 1 - rate * self.decay)
            torch._foreach_add_(values, list(turned.unbind(0)))

    def one(self, name, g, rate, shape):
        v, m = self.values[name], self.first[name]
        decay = self.decay if v.dim() == 2 else 0
        if name in self.muon:
            m.mul_(self.MOMENTUM).add_(g)
            update = g + self.MOMENTUM * m
            rows = [size[0] for _, size in shape.parts()[name]]
            update = torch.cat([orthogonal(u) * (0.2 * math.sqrt(max(u.shape))) for u in update.split(rows)])
        else:
            b1, b2 = self.BETAS
            m.mul_(b1).add_(g, alpha=1 - b1)
            s = self.second[name].mul_(b2).addcmul_(g, g, value=1 - b2)
            update = m / (1 - b1 ** self.steps) / ((s / (1 - b2 ** self.steps)).sqrt_() + 1e-8)
        v.mul_(1 - rate * decay).add_(update, alpha=-rate)

    def state(self):
        return {"first": self.first, "second": self.second, "steps": self.steps}

    def load(self, state):
        self.steps = state["steps"]
        for mine, theirs in ((self.first, state["first"]), (self.second, state["second"])):
            for k in mine:
                mine[k].copy_(theirs[k])


class Stream:
    """Micro-batches of the stages' files, one after the other as the run goes on. Its place is two numbers."""

    def __init__(self, stages, tokens, longest, seed, swaps=()):
        self.stages, self.tokens, self.longest, self.seed, self.swaps = stages, tokens, longest, seed, swaps
        self.stage, self.drawn, self.passes = 0, 0, None

    def seek(self, stage, drawn):
        self.stage, self.passes = stage, self.endless(stage)
        for self.drawn in range(1, drawn + 1):
            next(self.passes)
        self.drawn = drawn

    def endless(self, stage):
        number = 0
        while True:
            rng = np.random.default_rng([self.seed, stage, number])
            yield from micro_batches(self.stages[stage][0], self.tokens, self.longest, rng)
            number += 1

    def draw(self, progress):
        """The next micro-batch: the stage, its number in it, its conversations and their width."""
        stage = self.stage
        while stage + 1 < len(self.stages) and progress >= self.stages[stage][1]:
            stage += 1
        if self.passes is None or stage != self.stage:
            self.seek(stage, 0)
        self.drawn += 1
        return (self.stage, self.drawn, *next(self.passes))

    def load(self, stage, drawn, numbers, width):
        """What draw says, as ids and weights."""
        ids, weights = self.stages[stage][0].rows(numbers, width)
        for i, swap in enumerate(self.swaps):
            swap(ids.numpy(), np.random.default_rng([self.seed, stage, drawn, 3 + i]))
        return ids, weights


class Feed:
    """Prepares micro-batches in other processes, so many ahead, for a GPU that is faster than one of them.

    They are forks, made before the GPU is touched. Close ends them.
    """

    trainer = None  # of the forks

    def __init__(self, trainer, workers):
        Feed.trainer = trainer
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), Feed.begin)
        self.stream, self.ahead = trainer.stream, 4 * workers
        self.waiting = collections.deque()
        self.pool.submit(os.getpid).result()

    @staticmethod
    def begin():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        torch.set_num_threads(1)

    @staticmethod
    def work(*draw):
        ids, at, target, weight = Feed.trainer.load(*draw)
        return ids.numpy().astype(np.uint16), at.numpy().astype(np.int32), target.numpy().astype(np.uint16), weight.numpy()

    def next(self, progress):
        """The next micro-batch, and its place: stage and number."""
        while len(self.waiting) < self.ahead:
            draw = self.stream.draw(progress)
            self.waiting.append((draw[:2], self.pool.submit(Feed.work, *draw)))
        place, batch = self.waiting.popleft()
        ids, at, target, weight = batch.result()
        return place, (*(torch.from_numpy(v.astype(np.int64)) for v in (ids, at, target)), torch.from_numpy(weight))

    def close(self):
        self.pool.shutdown(cancel_futures=True)


class Trainer:
    def __init__(self, args, shape, params, stages, valid):
        self.args, self.shape, self.params, self.valid = args, shape, params, valid
        self.ops = KernelOps if LIB and COMPUTE is torch.bfloat16 else TorchOps
        self.tables = angles(shape, args.seq)
        self.optimizer = Optimizer(params.trained, args.optimizer == "muon" and not params.lora, args.weight_decay)
        swap = WordSwap(args.tokenizer, stages[-1][0], args.swap_words, args.keep_words) if args.swap_words else None
        names = NameSwap(args.tokenizer, args.swap_names) if args.swap_names else None
        self.choices = Choices(args.tokenizer, args.choice_weight) if args.choice_weight != 1 else None
        self.stream = Stream(stages, args.micro_tokens, args.seq, args.seed, [x for x in (swap, names) if x])
        self.pool = concurrent.futures.ThreadPoolExecutor(args.threads, initializer=torch.set_num_threads, initargs=(1,))
        self.step, self.tokens, self.supervised, self.seconds = 0, 0, 0, 0.0
        self.log, self.stop, self.feed, self.place = [], False, None, (0, 0)

    # -- one step

    def prepare(self, ids, weights, rng):
        """Inputs, the positions whose next token counts, these tokens and their weights."""
        target = torch.zeros_like(ids)
        target[:, :-1] = ids[:, 1:]
        weight = torch.zeros(ids.shape)
        weight[:, :-1] = weights[:, 1:].float()
        if rng is not None and self.choices:
            self.choices(ids, weight)
        if rng is not None and self.args.prompt_share > 0:
            # Padding is token 0 at the ends of rows; one wrong guess there costs nothing.
            real = torch.arange(ids.shape[1]) < (ids != 0).long().mul(torch.arange(1, ids.shape[1] + 1)).amax(1, keepdim=True) - 1
            chosen = torch.from_numpy(rng.random(ids.shape)) < self.args.prompt_share
            weight[real & chosen & (weight == 0)] = self.args.prompt_weight
        at = weight.view(-1).nonzero().view(-1)
        return ids, at, target.view(-1)[at], weight.view(-1)[at]

    def load(self, *draw):
        """A micro-batch, prepared."""
        return self.prepare(*self.stream.load(*draw), np.random.default_rng([self.args.seed, *draw[:2], 1]))

    def next(self, progress):
        if self.feed:
            self.place, batch = self.feed.next(progress)
            return batch
        draw = self.stream.draw(progress)
        self.place = draw[:2]
        return self.load(*draw)

    def move(self):
        """To the GPU, where the rest of the run is."""
        self.ops, self.tables = CudaOps, tuple(v.to(DEVICE) for v in self.tables)
        for values in (self.params.values, self.params.trained, self.optimizer.first, self.optimizer.second):
            for k, v in values.items():
                values[k] = v.to(DEVICE)
        self.compute = self.params.compute(False)
        stream = Stream(self.stream.stages, self.args.micro_tokens, self.args.seq, self.args.seed)
        batches = [self.load(*stream.draw(self.progress())) for _ in range(3)]  # none of the run's own
        self.micro(batches[0], 1.0)  # loads the kernels before the clock starts
        if self.args.no_kernels or COMPUTE is torch.float32:
            return
        try:
            self.ops = CompiledOps.begin()
            for batch in batches:
                self.micro(batch, 1.0)
        except Exception as e:  # no compiler, no Triton: whatever it is, there is another way
            self.ops = CudaOps
            print(f"torch.compile fails, PyTorch's operations do its work: {e}", file=sys.stderr)

    def forward(self, w, ids, at, target, weight):
        h = forward(self.ops, self.shape, w, ids, self.tables)
        return self.ops.loss(h.index_select(0, at), w["embed"], target, weight)

    def micro(self, batch, total):
        ids, at, target, weight = (v.to(DEVICE, non_blocking=True) for v in batch)
        w = {k: v.detach().requires_grad_() for k, v in self.compute.items()}
        loss, _, _ = self.forward(w, ids, at, target, weight / total)
        loss.backward()
        return loss.detach(), {k: v.grad for k, v in w.items() if v.grad is not None}

    def update(self, progress):
        batches, count = [], 0
        while count < self.args.batch_tokens - self.args.micro_tokens // 2:
            batches.append(self.next(progress))
            count += batches[-1][0].numel()
        total = sum(b[3].sum().item() for b in batches)
        self.params.quantized = self.args.quant == "q4_0" and progress >= self.args.quant_from
        self.compute = self.params.compute(False)
        loss, sums = 0.0, {}
        run = map if DEVICE.type == "cuda" else self.pool.map
        for part, grads in run(lambda b: self.micro(b, total), batches):
            loss += part
            for k, g in grads.items():
                if k in sums:
                    sums[k] += g
                else:
                    sums[k] = g.float()
        grads = self.params.gradients(sums)
        norm = torch.stack([g.pow(2).sum() for g in grads.values()]).sum().sqrt()
        shrink = (self.args.clip / (norm + 1e-9)).clamp(max=1)
        for g in grads.values():
            g *= shrink
        rate = self.rate(progress)
        self.optimizer.step(grads, rate, self.pool, self.shape)
        self.step += 1
        self.tokens += count
        self.supervised += sum(len(b[1]) for b in batches)
        return loss, norm, rate

    def rate(self, progress):
        """Warm-up by steps, then a cosine to a hundredth, or constant and a line down at the end."""
        a = self.args
        warm = min(1, (self.optimizer.steps + 1) / a.warmup)
        if a.schedule == "cosine":
            shape = 0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2
        else:
            shape = min(1, max(0.01, (1 - progress) / a.decay))
        return a.lr * warm * shape

    # -- validation

    def validate(self, file):
        """Loss, share of tokens and share of whole answers that greedy choice gets right, given what precedes."""
        self.compute = self.params.compute(False)
        batches = list(micro_batches(file, self.args.micro_tokens, self.args.seq, np.random.default_rng(0)))

        def one(batch):
            ids, weights = file.rows(*batch)
            ids, at, target, weight = (v.to(DEVICE) for v in self.prepare(ids, weights, None))
            ops = CudaOps if self.ops is CompiledOps else self.ops  # too few tokens to compile anything for
            with torch.no_grad():
                h = forward(ops, self.shape, self.compute, ids, self.tables)
                _, losses, right = ops.loss(h.index_select(0, at), self.compute["embed"], target, weight)
            at, losses, right = at.cpu(), losses.cpu(), right.cpu()
            starts = torch.ones(len(at), dtype=torch.bool)  # an answer: neighbours in one row
            starts[1:] = (at[1:] != at[:-1] + 1) | (at[1:] // ids.shape[1] != at[:-1] // ids.shape[1])
            answer = starts.long().cumsum(0) - 1
            wrong = torch.zeros(int(answer[-1]) + 1 if len(at) else 0).index_add_(0, answer, (~right).float())
            return losses.sum().item(), right.sum().item(), len(at), (wrong == 0).sum().item(), len(wrong)

        loss, right, tokens, exact, answers = map(sum, zip(*self.pool.map(one, batches)))
        return loss / max(1, tokens), right / max(1, tokens), exact / max(1, answers)

    def validate_all(self):
        exact = []
        for label, file in self.valid:
            values = self.validate(file)
            exact.append(values[2])
            for what, value in zip(("loss", "token", "exact"), values):
                self.record(f"valid_{what}/{label}", value)
            print(f"    {label}: loss {values[0]:.4f}, tokens {values[1]:.2%}, exact {values[2]:.2%}", flush=True)
        return sum(exact) / max(1, len(exact))

    def record(self, series, value):
        self.log.append((self.step, self.tokens, round(self.seconds, 1), series, value))

    # -- the run

    def run(self):
        a = self.args
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.interrupt)
        last = start = time.monotonic()
        saved, validated, began = start, start, self.seconds
        printed = self.tokens, self.seconds
        progress = self.progress()
        while progress < 1 and not self.stop and self.step != a.stop_after:
            loss, norm, rate = self.update(progress)
            last = time.monotonic()
            self.seconds = began + last - start
            progress = self.progress()
            shown, save = self.step % a.print_steps == 0, last - saved > a.save_minutes * 60
            ends = progress >= 1 or self.stop or self.step == a.stop_after
            if shown or save or ends or DEVICE.type == "cpu":  # a number waits for the GPU
                loss = float(loss)
                self.record("train_loss", loss)
                if not math.isfinite(loss):
                    sys.exit(f"the loss is {loss} at step {self.step}; the last checkpoint is in {self.args.out}")
            if shown:
                self.record("lr", rate)
                speed = (self.tokens - printed[0]) / max(1e-9, self.seconds - printed[1])
                printed = self.tokens, self.seconds
                print(f"step {self.step} {progress:.1%} {self.seconds:.0f} s, {self.tokens / 1e6:.2f} M tokens, "
                      f"{speed:.0f} tokens/s, stage {self.stream.stage}, lr {rate:.2e}, norm {norm:.2f}, "
                      f"loss {loss:.4f}", flush=True)
            if self.valid and last - validated > a.valid_minutes * 60:
                self.validate_all()
                validated = time.monotonic()
            if save:
                self.save()
                saved = time.monotonic()
        if not self.stop:
            self.validate_all()
        self.save()
        print(f"done: {self.step} steps, {self.tokens} tokens, {self.supervised} with a loss, "
              f"{self.seconds:.0f} s, {self.tokens / max(1e-9, self.seconds):.0f} tokens/s", flush=True)

    def progress(self):
        return self.step / self.args.steps if self.args.steps else self.seconds / (3600 * self.args.hours)

    def interrupt(self, *_):
        if self.stop:
            sys.exit("stopped without a checkpoint")
        self.stop = True
        print("stopping after this step", flush=True)

    def save(self):
        a, out = self.args, self.args.out
        if self.params.lora:
            write_lora(out, self.params.lora)
        else:
            write_model(out, self.shape, self.params.values)
        state = {"trained": self.params.trained, "optimizer": self.optimizer.state(), "step": self.step,
                 "tokens": self.tokens, "supervised": self.supervised, "seconds": self.seconds,
                 "stage": self.place[0], "drawn": self.place[1], "log": self.log}
        atomic(os.path.join(out, "state.pt"), lambda path: torch.save(state, path))
        atomic(os.path.join(out, "loss.csv"), self.write_csv)
        if not a.no_plot:
            atomic(os.path.join(out, "loss.png"), self.plot)

    def resume(self):
        state = torch.load(os.path.join(self.args.out, "state.pt"), map_location="cpu")
        for k, v in state["trained"].items():
            self.params.trained[k].copy_(v)
        self.optimizer.load(state["optimizer"])
        self.step, self.tokens, self.supervised = state["step"], state["tokens"], state["supervised"]
        self.seconds, self.log = state["seconds"], state["log"]
        self.place = state["stage"], state["drawn"]
        self.stream.seek(*self.place)

    def write_csv(self, path):
        with open(path, "w") as f:
            f.write("step,tokens,seconds,series,value\n")
            for step, tokens, seconds, series, value in self.log:
                f.write(f"{step},{tokens},{seconds},{series},{value:.6g}\n")

    def plot(self, path):
        try:
            import matplotlib
        except ImportError:
            return
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        series = {}
        for _, tokens, _, name, value in self.log:
            x, y = series.setdefault(name, ([], []))
            x.append(tokens)
            y.append(value)
        figure, axes = plt.subplots(2, 2, figsize=(14, 9), dpi=80)
        for row, (prefix, title) in enumerate((("loss", "loss"), ("exact", "whole answers right"))):
            for column, scale in enumerate(("linear", "log")):
                ax = axes[row][column]
                for name, (x, y) in sorted(series.items()):
                    if name == "train_loss" and prefix == "loss":
                        n = max(1, len(y) // 400)  # averages of n steps: a line, not a cloud
                        y = np.convolve(y, np.ones(n) / n, "valid")
                        ax.plot(x[len(x) - len(y):], y, label="training", color="0.6", lw=0.8)
                    elif name.startswith(f"valid_{prefix}/"):
                        ax.plot(x, y, "o-", ms=2, label=name.split("/", 1)[1])
                ax.set(xscale=scale, xlabel="tokens", ylabel=title, yscale="log" if prefix == "loss" else "linear")
                ax.grid(alpha=0.3)
                if ax.lines:
                    ax.legend(fontsize=7)
        figure.tight_layout()
        figure.savefig(path, format="png")
        plt.close(figure)


# ---------------------------------------------------------------- files


def atomic(path, write):
    """Writes beside the file and renames, so that a reader never sees half of one."""
    write(path + ".part")
    if os.path.exists(path + ".part"):
        os.replace(path + ".part", path)


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, t in tensors.items():
        size = t.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)

    def write(part):
        with open(part, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for t in tensors.values():
                f.write(t.detach().cpu().contiguous().numpy().astype("<f4", copy=False).tobytes())
    atomic(path, write)


def read_safetensors(path):
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    return {name: torch.from_numpy(np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]).copy())
            for name, t in header.items() if name != "__metadata__"}


def write_json(path, value):
    def write(part):
        with open(part, "w") as f:
            json.dump(value, f, indent=2)
            f.write("\n")
    atomic(path, write)


def write_model(out, shape, values):
    tensors = {}
    for name, pieces in shape.parts().items():
        for (published, _), t in zip(pieces, values[name].split([size[0] for _, size in pieces])):
            tensors[published] = t
    write_safetensors(os.path.join(out, "model.safetensors"), tensors)
    write_json(os.path.join(out, "config.json"), shape.config())


def read_model(directory):
    shape = Shape.read(os.path.join(directory, "config.json"))
    tensors = read_safetensors(os.path.join(directory, "model.safetensors"))
    return shape, {name: torch.cat([tensors[p] for p, _ in pieces]) for name, pieces in shape.parts().items()}


def write_lora(out, lora):
    tensors = {"base_model.model." + name + ".weight": v for name, v in lora.values.items()}
    write_safetensors(os.path.join(out, "adapter_model.safetensors"), tensors)
    modules = sorted({name.split(".")[-2] for name in lora.values})
    write_json(os.path.join(out, "adapter_config.json"), {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": lora.rank, "lora_alpha": lora.alpha,
        "target_modules": modules, "bias": "none", "fan_in_fan_out": False})


# ---------------------------------------------------------------- the command


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--tokens", nargs="+", required=True, metavar="FILE[+FILE…][@UNTIL]",
                   help="training files, one after the other, those with + between them together; UNTIL is the share of the run at which the next begins")
    p.add_argument("--valid", nargs="*", default=[], metavar="[LABEL=]FILE", help="held-out files")
    p.add_argument("--out", required=True, help="folder of the results")
    p.add_argument("--init", metavar="DIR", help="start from the model in this folder")
    p.add_argument("--grow", type=int, default=0, metavar="LAYERS", help="add so many layers to --init's model")
    p.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    p.add_argument("--hours", type=float, help="length of the run; or --steps")
    p.add_argument("--steps", type=int, help="length of the run")
    p.add_argument("--stop-after", type=int, help="stop at this step, to go on with --resume")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2, help="micro-batches at a time, each on one core")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU, if there is one")
    p.add_argument("--workers", type=int, help="processes that prepare micro-batches; default: none for CPUs, else all cores but two")
    p.add_argument("--f32", action="store_true", help="float32 and PyTorch's operations only")
    p.add_argument("--no-kernels", action="store_true", help="PyTorch's operations only")
    p.add_argument("--no-plot", action="store_true")
    p.add_argument("--batch-tokens", type=int, default=4096, help="about so many tokens for each step")
    p.add_argument("--micro-tokens", type=int, default=2048, help="tokens that are computed together")
    p.add_argument("--seq", type=int, default=1024, help="longest conversation in tokens; longer ones lose their end")
    p.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--warmup", type=int, default=60, help="steps")
    p.add_argument("--schedule", choices=("cosine", "wsd"), default="wsd")
    p.add_argument("--decay", type=float, default=0.35, help="share of the run over which wsd goes down to 0")
    p.add_argument("--weight-decay", type=float, default=0.1)
    p.add_argument("--clip", type=float, default=1.0)
    p.add_argument("--quant", choices=("none", "q4_0"), default="none",
                   help="train for matrices that are packed in this type")
    p.add_argument("--quant-from", type=float, default=0.5, metavar="SHARE", help="share of the run from which on they are")
    p.add_argument("--prompt-share", type=float, default=0.1, help="share of the prompts' tokens that have a loss too")
    p.add_argument("--prompt-weight", type=float, default=0.1, help="their weight")
    p.add_argument("--swap-words", type=float, default=0, metavar="SHARE",
                   help="share of conversations in which rare words are swapped for others; needs --tokenizer")
    p.add_argument("--keep-words", nargs="*", default=[], metavar="FILE", help="texts whose words are not swapped")
    p.add_argument("--swap-names", type=float, default=0, metavar="SHARE",
                   help="share of conversations in which functions are renamed; needs --tokenizer")
    p.add_argument("--tokenizer", metavar="DIR", help="folder of tokenizer.json")
    p.add_argument("--lora-rank", type=int, default=0, help="train an adapter of this rank for --init's model")
    p.add_argument("--lora-alpha", type=float, help="default: twice the rank")
    for name, value in (("hidden", 256), ("layers", 6), ("heads", 4), ("kv-heads", 2), ("intermediate", 512),
                        ("context", 4096)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--choice-weight", type=float, default=1, metavar="W",
                   help="weight of the tokens that say whether and what is called; needs --tokenizer")
    p.add_argument("--look-back", type=int, default=2, metavar="LAYERS", help="first layers with heads that begin as looking back")
    p.add_argument("--rope-theta", type=float, default=10000.0)
    p.add_argument("--print-steps", type=int, default=10)
    p.add_argument("--valid-minutes", type=float, default=5)
    p.add_argument("--save-minutes", type=float, default=5)
    a = p.parse_args()
    if bool(a.hours) == bool(a.steps):
        p.error("one of --hours and --steps is needed")
    if (a.swap_words or a.swap_names or a.choice_weight != 1) and not a.tokenizer:
        p.error("--swap-words, --swap-names and --choice-weight need --tokenizer")
    if (a.lora_rank or a.grow) and not a.init:
        p.error("--lora-rank and --grow need --init")
    if a.quant != "none" and (a.hidden % 32 or a.intermediate % 32):
        p.error("--quant needs rows of whole blocks of 32")
    if a.hidden % a.heads or a.heads % a.kv_heads or a.hidden // a.heads % 2:
        p.error("--hidden, --heads and --kv-heads do not divide")
    return a


def main():
    global COMPUTE, DEVICE
    a = arguments()
    if a.device == "cuda" or a.device == "auto" and torch.cuda.is_available():
        DEVICE = torch.device("cuda")
    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    if a.f32:
        COMPUTE = torch.float32
    elif not a.no_kernels and DEVICE.type == "cpu":
        compile_kernels()
    stages = []
    for text in a.tokens:
        path, _, until = text.partition("@")
        stages.append((open_tokens(path), float(until or 1)))
    valid = []
    for text in a.valid:
        label, _, path = text.rpartition("=")
        valid.append((label or os.path.splitext(os.path.basename(path))[0], TokenFile(path)))
    if a.init:
        shape, values = read_model(a.init)
        if a.grow:
            shape, values = grow(shape, values, a.grow)
    else:
        shape = Shape(vocab_size=-(-stages[-1][0].vocab // 32) * 32, hidden_size=a.hidden, num_hidden_layers=a.layers,
                      num_attention_heads=a.heads, num_key_value_heads=a.kv_heads, intermediate_size=a.intermediate,
                      max_position_embeddings=a.context, rope_theta=a.rope_theta)
        values = initial(shape, a.seed, a.look_back)
    for file, _ in stages + [(f, 1) for _, f in valid]:
        if file.vocab > shape.vocab_size:
            sys.exit(f"{file.path}: {file.vocab} tokens in the vocabulary, the model has {shape.vocab_size}")
    os.makedirs(a.out, exist_ok=True)
    lora = LoRA(shape, a.lora_rank, a.lora_alpha or 2 * a.lora_rank, a.seed) if a.lora_rank else None
    trainer = Trainer(a, shape, Parameters(shape, values, lora), stages, valid)
    if a.resume:
        trainer.resume()
    if a.workers is None:
        a.workers = max(1, os.cpu_count() - 2) if DEVICE.type == "cuda" else 0
    if a.workers:
        trainer.feed = Feed(trainer, a.workers)
    if DEVICE.type == "cuda":
        trainer.move()
    count = sum(v.numel() for v in trainer.params.trained.values())
    print(f"{count} parameters, {sum(int(f.lengths.sum()) for f, _ in stages)} tokens in {len(stages)} files, "
          f"{trainer.ops.name}, {a.workers or a.threads} {'workers' if a.workers else 'threads'}", flush=True)
    trainer.run()
    if trainer.feed:
        trainer.feed.close()


if __name__ == "__main__":
    main()
