"""Tests of train.py: python3 -m unittest discover train. They need PyTorch and take some seconds."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch

import train as T

HERE = os.path.dirname(os.path.abspath(__file__))


def write_tokens(path, seed, conversations=64, vocab=96):
    """Conversations that ask for one of two things said before: questions a model can learn."""
    rng = np.random.default_rng(seed)
    ids, weights, lengths = [], [], []
    for _ in range(conversations):
        a, b = rng.integers(10, vocab, (2, 4)).tolist()
        first = bool(rng.integers(2))
        prompt, answer = [1, *a, 2, *b, 3, 4 + first], [*(a if first else b), 6]
        ids += prompt + answer
        weights += [0] * len(prompt) + [1] * len(answer)
        lengths.append(len(prompt) + len(answer))
    with open(path, "wb") as f:
        f.write(b"CALTOK01" + struct.pack("<IIQ", vocab, conversations, len(ids)))
        f.write(np.array(lengths, "<u4").tobytes() + np.array(ids, "<u2").tobytes() + np.array(weights, "u1").tobytes())


SMALL = ["--hidden", "64", "--layers", "2", "--heads", "4", "--kv-heads", "2", "--intermediate", "96", "--seq", "64",
         "--batch-tokens", "512", "--micro-tokens", "256", "--warmup", "2", "--no-plot", "--threads", "2", "--device", "cpu"]


def run(*args):
    done = subprocess.run([sys.executable, os.path.join(HERE, "train.py"), *args], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class Operations(unittest.TestCase):
    """kernels.c computes what PyTorch's operations do, forwards and backwards."""

    def gradients(self, ops, compute, device=torch.device("cpu")):
        torch.manual_seed(0)
        shape = T.Shape(vocab_size=512, hidden_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                        intermediate_size=256, max_position_embeddings=512, rope_theta=1e4)
        values = T.initial(shape, 1)
        for name, v in values.items():
            if "norm" in name or "bias" in name:
                v += 0.1 * torch.randn_like(v)
        ids = torch.randint(1, 512, (4, 48))
        at = torch.arange(0, 190, 3)
        weight = torch.rand(len(at)) / len(at)
        before, T.COMPUTE = T.COMPUTE, compute
        try:
            w = T.Parameters(shape, {k: v.to(device) for k, v in values.items()}).compute(True)
            h = T.forward(ops, shape, w, ids.to(device), [v.to(device) for v in T.angles(shape, 64)])
            target = ids.view(-1)[at + 1]
            loss, _, _ = ops.loss(h.index_select(0, at.to(device)), w["embed"], target.to(device), weight.to(device))
            loss.backward()
        finally:
            T.COMPUTE = before
        return loss.item(), {k: v.grad.float().cpu() for k, v in w.items()}

    def test_same_gradients(self):
        if not T.compile_kernels():
            self.skipTest("no C compiler")
        want_loss, want = self.gradients(T.TorchOps, torch.float32)
        for ops in (T.TorchOps, T.KernelOps):
            loss, got = self.gradients(ops, torch.bfloat16)
            self.assertAlmostEqual(loss, want_loss, delta=1e-3)
            for name, g in want.items():
                error = ((got[name] - g).norm() / g.norm()).item()
                self.assertLess(error, 0.02, f"{ops.name}, {name}")


    @unittest.skipUnless(torch.cuda.is_available(), "no GPU")
    def test_same_gradients_on_a_gpu(self):
        want_loss, want = self.gradients(T.TorchOps, torch.float32)
        for ops in (T.CudaOps, T.CompiledOps.begin()):
            loss, got = self.gradients(ops, torch.bfloat16, torch.device("cuda"))
            self.assertAlmostEqual(loss, want_loss, delta=1e-3)
            for name, g in want.items():
                self.assertLess(((got[name] - g).norm() / g.norm()).item(), 0.02, f"{ops.name}, {name}")


class Quantized(unittest.TestCase):
    def test_levels(self):
        block = [0.0] * 32
        block[:6] = [-8.0, 7.0, 0.4, 0.6, 1.5, -7.6]  # steps of 1, upwards from the largest
        other = [0.0] * 32
        other[:4] = [4.0, -4.0, 0.2, 0.3]  # the largest is positive, so the steps are of -0.5 and end at -3.5
        want = [0.0] * 32, [0.0] * 32, [0.0] * 32
        want[0][:6] = [-8.0, 7.0, 0.0, 1.0, 2.0, -8.0]
        want[1][:4] = [4.0, -3.5, 0.0, 0.5]
        got = T.q4_0(torch.tensor(block + other + [0.0] * 32))
        self.assertEqual(got.view(3, 32).tolist(), list(want))

    def test_is_what_it_keeps(self):
        torch.manual_seed(0)
        once = T.q4_0(torch.randn(320))
        self.assertLess((once - T.q4_0(once)).abs().max().item(), 1e-6)

    def test_products_see_levels_and_parameters_keep_their_values(self):
        shape = T.Shape(vocab_size=96, hidden_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
                        intermediate_size=64, max_position_embeddings=64, rope_theta=1e4)
        values = T.initial(shape, 1)
        before = {k: v.clone() for k, v in values.items()}
        params = T.Parameters(shape, values)
        params.quantized = True
        w = params.compute(False)
        for name, v in values.items():
            self.assertTrue(torch.equal(v, before[name]), name)
            want = T.q4_0(v.reshape(-1)).view(v.shape) if v.dim() == 2 else v
            self.assertTrue(torch.equal(w[name], want.to(w[name].dtype)), name)
        self.assertTrue(torch.equal(w["lookup"], T.q4_0(values["embed"].view(-1)).view(96, 64)))


class Together(unittest.TestCase):
    def test_steps_as_one_by_one(self):
        shape = T.Shape(vocab_size=96, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                        intermediate_size=96, max_position_embeddings=64, rope_theta=1e4)
        one, all_ = T.initial(shape, 1), T.initial(shape, 1)
        first, second = T.Optimizer(one, True, 0.1), T.Optimizer(all_, True, 0.1)
        for step in range(3):
            torch.manual_seed(step)
            grads = {k: torch.randn_like(v) for k, v in one.items()}
            first.steps = second.steps = step + 1
            for name in one:
                first.one(name, grads[name].clone(), 0.01, shape)
            second.together({k: g.clone() for k, g in grads.items()}, 0.01, shape)
        for name, v in one.items():
            self.assertLess((v - all_[name]).abs().max().item(), 2e-3, name)  # bfloat16 products of one matrix or several
            self.assertGreater((v - T.initial(shape, 1)[name]).abs().max().item(), 5e-3, name)


class LookBack(unittest.TestCase):
    def test_heads_look_back(self):
        shape = T.Shape(vocab_size=96, hidden_size=256, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                        intermediate_size=64, max_position_embeddings=64, rope_theta=1e4)
        values = T.initial(shape, 1, 2)
        self.assertTrue((values["2.bias"] == 0).all(), "the third layer was not asked for")
        before, T.COMPUTE = T.COMPUTE, torch.float32
        try:
            q, k, _ = T.TorchOps.split_heads(values["1.bias"].repeat(32, 1), 1, 32, shape, *T.angles(shape, 32))
        finally:
            T.COMPUTE = before
        p = T.TorchOps.causal_softmax(q[0, :2] @ k[0, :1].transpose(1, 2))
        for head in (0, 1):
            for at in (5, 31):
                self.assertGreater(p[head, at, at - 1 - head].item(), 0.95)


class Grow(unittest.TestCase):
    def test_says_the_same(self):
        shape = T.Shape(vocab_size=96, hidden_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                        intermediate_size=64, max_position_embeddings=64, rope_theta=1e4)
        values = T.initial(shape, 1, 2)
        for count in (1, 2, 3, 4):
            grown, more = T.grow(shape, values, count)
            self.assertEqual(grown.num_hidden_layers, 3 + count)
            self.assertEqual(set(more), set(grown.parts()))
            self.assertTrue(all(more[name].shape[0] == sum(s[0] for _, s in p) for name, p in grown.parts().items()))
            old = [i for i in range(3 + count) if more[f"{i}.o"].any()]
            self.assertEqual(len(old), 3)
            self.assertTrue(torch.equal(self.hidden(shape, values), self.hidden(grown, more)))

    @staticmethod
    def hidden(shape, values):
        before, T.COMPUTE = T.COMPUTE, torch.float32
        try:
            w = T.Parameters(shape, values).compute(False)
            return T.forward(T.TorchOps, shape, w, torch.arange(32).view(2, 16), T.angles(shape, 16))
        finally:
            T.COMPUTE = before


def write_conversations(path, vocab, conversations):
    """A token file in which every second token is the assistant's."""
    flat = sum(conversations, [])
    with open(path, "wb") as f:
        f.write(b"CALTOK01" + struct.pack("<IIQ", vocab, len(conversations), len(flat)))
        f.write(np.array([len(c) for c in conversations], "<u4").tobytes() + np.array(flat, "<u2").tobytes())
        f.write(bytes(i % 2 for i in range(len(flat))))


class Files(unittest.TestCase):
    def test_joined_files_are_one(self):
        with tempfile.TemporaryDirectory() as folder:
            parts = [[[1, 2, 3], [4, 5]], [[6]], [[7, 8], [9, 1, 2, 3]]]
            paths = [os.path.join(folder, f"{i}.tok") for i in range(len(parts))]
            for path, conversations in zip(paths, parts):
                write_conversations(path, 10, conversations)
            whole = os.path.join(folder, "whole.tok")
            write_conversations(whole, 10, sum(parts, []))
            joined, one = T.open_tokens("+".join(paths)), T.open_tokens(whole)
        self.assertEqual((joined.vocab, list(joined.lengths)), (one.vocab, list(one.lengths)))
        for numbers in ([0], [4, 1, 2], [3, 3, 0, 1]):
            (a, _), (b, _) = joined.rows(np.array(numbers), 4), one.rows(np.array(numbers), 4)
            self.assertTrue(torch.equal(a, b), numbers)
            for x, y in zip(joined.sample(numbers), one.sample(numbers)):
                self.assertEqual(list(x), list(y))


class Swap(unittest.TestCase):
    WORDS = ["type", "the", "red", "green", "blue", "Red", "Blue", "7", "\u0120", *("åĮĹ", "äº¬", "çº¢")]  # 北 京 红

    def test_kinds(self):
        self.assertEqual([T.WordSwap.kind_of(w) for w in self.WORDS], [1, 1, 1, 1, 1, 2, 2, 0, 0, 3, 3, 3])
        self.assertEqual(T.WordSwap.kind_of("åĮ"), 0, "part of a character")

    def test_swaps_rare_words_everywhere_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "tokenizer.json"), "w") as f:
                json.dump({"model": {"vocab": {w: i for i, w in enumerate(self.WORDS)}}}, f)
            path = os.path.join(folder, "a.tok")
            conversations = [[0, 1, 2, 5, 9, 2]] + [[1, 7, 8]] * 99
            with open(path, "wb") as f:
                flat = sum(conversations, [])
                f.write(b"CALTOK01" + struct.pack("<IIQ", len(self.WORDS), len(conversations), len(flat)))
                f.write(np.array([len(c) for c in conversations], "<u4").tobytes() + np.array(flat, "<u2").tobytes() + bytes(len(flat)))
            swap = T.WordSwap(folder, T.TokenFile(path), 1.0)
        swapped, rng = set(), np.random.default_rng(1)
        for _ in range(50):
            ids = np.array([conversations[0]])
            swap(ids, rng)
            kept, often, red, capital, north, again = ids[0]
            self.assertEqual((kept, often, red), (0, 1, again))  # "type" is JSON Schema's, "the" is frequent
            self.assertTrue(red in (2, 3, 4) and capital in (5, 6) and north in (9, 10, 11), ids)
            swapped.add(int(red))
        self.assertEqual(swapped, {2, 3, 4})

    def test_keeps_what_sentences_and_enumerations_are_made_of(self):
        words = ["would", "Would", "spring", "Spring", "red", "river", "è¦ģ", "æĺ¥", "çļĤ"]  # 要 春 皂
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "tokenizer.json"), "w") as f:
                json.dump({"model": {"vocab": {w: i for i, w in enumerate(words)}}}, f)
            path, kept = os.path.join(folder, "a.tok"), os.path.join(folder, "enums.txt")
            with open(path, "wb") as f:
                f.write(b"CALTOK01" + struct.pack("<IIQ", len(words), 1, 1) + struct.pack("<IHB", 1, 4, 0))
            with open(kept, "w", encoding="utf-8") as f:
                f.write("season: spring = 春季; autumn = 秋季\nframe.en: ~a held out river\n# red")
            for files, swapped in (((), ["spring", "Spring", "river", *words[7:]]), ((kept,), ["river", words[8]])):
                swap = T.WordSwap(folder, T.TokenFile(path), 1.0, files)
                self.assertEqual([w for w, k in zip(words, swap.kind) if k], swapped)


def tokenizer(folder, words):
    """Writes a vocabulary of these words, of which those in angle brackets are special, and returns their ids."""
    letter = {b: c for c, b in T.BYTES.items()}
    vocab = {"".join(letter[b] for b in w.encode()): i for i, w in enumerate(words) if w[0] != "<"}
    added = [{"id": i, "content": w} for i, w in enumerate(words) if w[0] == "<"]
    with open(os.path.join(folder, "tokenizer.json"), "w") as f:
        json.dump({"model": {"vocab": vocab}, "added_tokens": added}, f)
    return {w: i for i, w in enumerate(words)}


class Names(unittest.TestCase):
    PROMPT = ['{"', "description", '":', ' "', "weather", '",', ' "', "name", '":', ' "', "get", "_", "weather", '",', ' "',
              "name", '":', ' {"', "</tools>", "name", '":', ' "', "get"]
    CALL = ["assistant", "\n", '{"', "name", '":', ' "', "get", "_", "weather", '",', ' "', "name", '":', ' "', "get", "_"]
    WORDS = sorted(set(PROMPT + CALL + ["find", "open", "stone", "river"]))

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.id = tokenizer(self.folder.name, self.WORDS)
        self.ids = np.array([[self.id[w] for w in self.PROMPT + self.CALL]])

    def test_renames_in_prompt_and_call(self):
        swap, names = T.NameSwap(self.folder.name, 1.0), set()
        at, call = 10, len(self.PROMPT) + 6
        for seed in range(50):
            row = self.ids.copy()
            swap(row, np.random.default_rng(seed))
            self.assertEqual(row[0, at], row[0, call])
            names.add(int(row[0, at]))
            row[0, at] = row[0, call] = self.id["get"]
            self.assertTrue((row == self.ids).all(), "nothing but names changes")
        self.assertGreater(len(names), 3)

    def test_weight_of_choices(self):
        ids = torch.from_numpy(self.ids)
        weight = torch.zeros(ids.shape)
        weight[0, len(self.PROMPT) + 1:-4] = 1  # without the argument that is called name as well
        T.Choices(self.folder.name, 3)(ids, weight)
        heavy = [self.WORDS[ids[0, i + 1]] for i in (weight[0] == 3).nonzero().view(-1)]
        self.assertEqual(heavy, ['{"', "get", "_", "weather", '",'])


class Run(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.tokens, self.valid = (os.path.join(self.dir.name, n) for n in ("a.tok", "b.tok"))
        write_tokens(self.tokens, 1)
        write_tokens(self.valid, 2)

    def out(self, name):
        return os.path.join(self.dir.name, name)

    def model(self, name):
        return T.read_safetensors(os.path.join(self.out(name), "model.safetensors"))

    def test_resume_goes_on_where_it_was(self):
        common = ["--tokens", self.tokens + "@0.4", self.tokens, "--valid", "held out=" + self.valid, *SMALL]
        run(*common, "--out", self.out("whole"), "--steps", "8")
        run(*common, "--out", self.out("parts"), "--steps", "8", "--stop-after", "3")
        run(*common, "--out", self.out("parts"), "--steps", "8", "--resume")
        whole, parts = self.model("whole"), self.model("parts")
        for name in whole:
            self.assertTrue(torch.equal(whole[name], parts[name]), name)
        with open(os.path.join(self.out("whole"), "loss.csv")) as f:
            lines = f.read().splitlines()
        self.assertEqual(lines[0], "step,tokens,seconds,series,value")
        self.assertTrue(any(",valid_exact/held out," in line for line in lines))

    def test_workers_prepare_the_same(self):
        common = ["--tokens", self.tokens, *SMALL, "--steps", "6", "--prompt-share", "0.5"]
        run(*common, "--out", self.out("alone"))
        run(*common, "--out", self.out("workers"), "--workers", "2", "--stop-after", "3")
        run(*common, "--out", self.out("workers"), "--workers", "2", "--resume")
        alone, workers = self.model("alone"), self.model("workers")
        for name in alone:
            self.assertTrue(torch.equal(alone[name], workers[name]), name)

    def test_every_setting_lowers_the_loss(self):
        for name, more in {"kernels": [], "torch": ["--no-kernels"], "f32": ["--f32"], "adamw": ["--optimizer", "adamw"],
                           "workers": ["--workers", "2"], "q4_0": ["--quant", "q4_0", "--quant-from", "0"]}.items():
            text = run("--tokens", self.tokens, *SMALL, "--out", self.out(name), "--steps", "30", "--print-steps", "1",
                       "--lr", "1e-2", *more)
            losses = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("step ")]
            self.assertLess(losses[-1], losses[0] - 1, name)

    def test_adapter(self):
        run("--tokens", self.tokens, *SMALL, "--out", self.out("base"), "--steps", "5")
        run("--tokens", self.tokens, *SMALL, "--out", self.out("lora"), "--steps", "20", "--lr", "1e-2",
            "--init", self.out("base"), "--lora-rank", "2")
        with open(os.path.join(self.out("lora"), "adapter_config.json")) as f:
            config = json.load(f)
        self.assertEqual((config["r"], config["lora_alpha"]), (2, 4))
        tensors = T.read_safetensors(os.path.join(self.out("lora"), "adapter_model.safetensors"))
        self.assertEqual(len(tensors), 2 * 7 * 2)
        name = "base_model.model.model.layers.1.mlp.down_proj.lora_"
        self.assertEqual(list(tensors[name + "A.weight"].shape), [2, 96])
        self.assertEqual(list(tensors[name + "B.weight"].shape), [64, 2])
        self.assertGreater(tensors[name + "B.weight"].abs().max().item(), 0)


if __name__ == "__main__":
    unittest.main()
