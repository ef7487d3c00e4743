"""Renders templates with Jinja2 as Hugging Face's apply_chat_template sets it up: the oracle
of TestAgainstJinja2. Reads a JSON array of {"template": text, "variables": object} from
standard input, writes a JSON array of {"text": …} or {"error": …}.

Two things differ from transformers: lists and dicts may be changed (some templates do), and
strftime_now tells a fixed time."""

import datetime
import json
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("run"), [], [], body).set_lineno(lineno)

    def run(self, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def strftime_now(format):
    return datetime.datetime(2026, 3, 7, 5, 4, 9).strftime(format)


env = jinja2.sandbox.SandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols, "jinja2.ext.do"]
)
env.filters["tojson"] = tojson
env.filters["from_json"] = json.loads
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = strftime_now

compiled = {}


def compile(source):
    if source not in compiled:
        compiled[source] = env.from_string(source)
    return compiled[source]


results = []
for case in json.load(sys.stdin):
    try:
        results.append({"text": compile(case["template"]).render(**case["variables"])})
    except Exception as e:
        results.append({"error": f"{type(e).__name__}: {e}"})
json.dump(results, sys.stdout)
