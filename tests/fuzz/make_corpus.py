#!/usr/bin/env python3
"""Writes tiny hand-made files as seeds of the fuzz targets: make_corpus.py DIR makes DIR/<target>/*."""
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import shutil
import sqlite3
import struct
import sys
import tempfile


def gguf_text(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_array(kind, code, values):
    body = b"".join(gguf_text(v) if code is None else struct.pack("<" + code, v) for v in values)
    return struct.pack("<IQ", kind, len(values)) + body


def gguf(keys, tensors, version=3):
    """keys: (name, type number, bytes); tensors: (name, extents, type number, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for name, kind, value in keys:
        head += gguf_text(name) + struct.pack("<I", kind) + value
    data = b""
    for name, extents, kind, raw in tensors:
        data += b"\0" * (-len(data) % 32)
        head += gguf_text(name) + struct.pack("<I", len(extents))
        head += struct.pack("<%dQ" % len(extents), *extents) + struct.pack("<IQ", kind, len(data))
        data += raw
    return head + (b"\0" * (-len(head) % 32) if tensors else b"") + data


def tiny_llama(model):
    d_model, n_vocab = 32, 3
    u32 = lambda value: struct.pack("<I", value)
    keys = [("general.architecture", 8, gguf_text("llama")), ("llama.embedding_length", 4, u32(d_model)),
            ("llama.block_count", 4, u32(1)), ("llama.feed_forward_length", 4, u32(32)),
            ("llama.attention.head_count", 4, u32(2)), ("llama.attention.head_count_kv", 4, u32(1)),
            ("llama.context_length", 4, u32(8)), ("llama.rope.freq_base", 6, struct.pack("<f", 1e4)),
            ("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)),
            ("tokenizer.ggml.model", 8, gguf_text(model)),
            ("tokenizer.ggml.tokens", 9, gguf_array(8, None, ["<unk>", "<s>", "</s>"])),
            ("tokenizer.ggml.token_type", 9, gguf_array(5, "i", [2, 3, 3])),
            ("tokenizer.ggml.add_bos_token", 7, b"\1"), ("tokenizer.ggml.eos_token_id", 4, u32(2))]
    if model == "llama":
        keys.append(("tokenizer.ggml.scores", 9, gguf_array(6, "f", [0, -1, -2])))
    else:
        keys.append(("tokenizer.ggml.merges", 9, gguf_array(8, None, ["a b", "ab c"])))
        keys.append(("tokenizer.ggml.pre", 8, gguf_text("llama-bpe")))
    norm = struct.pack("<32f", *range(32))
    matrix = lambda rows: b"".join(struct.pack("<e32b", 0.5, *range(32)) for _ in range(rows))  # Q8_0
    tensors = [("token_embd.weight", [d_model, n_vocab], 8, matrix(n_vocab)), ("output_norm.weight", [32], 0, norm),
               ("blk.0.attn_norm.weight", [32], 0, norm), ("blk.0.ffn_norm.weight", [32], 0, norm),
               ("rope_freqs.weight", [8], 0, struct.pack("<8f", *[1] * 8))]
    for part, rows in (("attn_q", 32), ("attn_k", 16), ("attn_v", 16), ("attn_output", 32), ("ffn_gate", 32),
                       ("ffn_up", 32), ("ffn_down", 32)):
        tensors.append(("blk.0.%s.weight" % part, [32, rows], 8, matrix(rows)))
    return gguf(keys, tensors)


def gguf_blocks():
    sizes = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
             11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 24: (1, 1), 25: (1, 2),
             26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2)}
    return gguf([], [("t%d" % kind, [n], kind, bytes(i % 251 for i in range(size)))
                     for kind, (n, size) in sizes.items()])


def gguf_values():
    scalars = [(0, "B"), (1, "b"), (2, "H"), (3, "h"), (4, "I"), (5, "i"), (6, "f"), (7, "B"), (10, "Q"), (11, "q"),
               (12, "d")]
    keys = [("k%d" % kind, kind, struct.pack("<" + code, 1)) for kind, code in scalars]
    keys += [("a%d" % kind, 9, gguf_array(kind, code, [1, 0])) for kind, code in scalars]
    keys.append(("nested", 9, struct.pack("<IQ", 9, 1) + gguf_array(8, None, ["x", ""])))
    return gguf(keys, [], version=2)


def safetensors(entries, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, raw in entries:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def llama2c(version, n_vocab=3):
    sizes = struct.pack("<7i", 4, 4, 1, 2, 1, n_vocab, 3)
    weights = lambda n: struct.pack("<%df" % n, *range(n))
    matrices = 4 * 4 * 2 + 4 * 2 * 2 + 3 * 16
    if version == 0:
        return sizes + weights(12 + 4 + matrices + 4 + 4 + 3 * 2 + (12 if n_vocab < 0 else 0))
    head = struct.pack("<Ii", 0x616B3432, version) + sizes + b"\1"
    if version == 1:
        return head.ljust(256, b"\0") + weights(12 + 12 + matrices)
    body = b"".join(bytes(range(n)) + weights(n // 2) for n in (12, 16, 8, 8, 16, 16, 16, 16))
    return (head + struct.pack("<i", 2)).ljust(256, b"\0") + weights(12) + body


def npy(descr, shape, raw, fortran=False, version=1):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + raw


def hf_configs():
    small = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "intermediate_size": 12,
             "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 10,
             "max_position_embeddings": 32, "hidden_act": "silu", "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
             "bos_token_id": 1, "eos_token_id": [2, 3], "attention_bias": False, "mlp_bias": True}
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 32}
    yield small
    yield dict(small, rope_theta=1e5, rope_scaling=llama3)
    yield dict(small, head_dim=6, rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 2.5})
    yield dict(small, hidden_act="fatrelu", hidden_act_param=0.01, model_type="sparsellama")


def peft_configs():
    yield {"peft_type": "LORA", "r": 2, "lora_alpha": 3, "target_modules": ["q_proj"], "rank_pattern": {"q_proj": 1},
           "alpha_pattern": {"layers\\.0\\..*": 2.5}, "use_rslora": True, "use_dora": False, "bias": "none",
           "init_lora_weights": True, "lora_dropout": 0.1, "modules_to_save": ["score"]}
    yield {"peft_type": "LORA", "use_dora": True, "target_modules": ".*(q|down)_proj"}
    yield {"peft_type": "IA3", "target_modules": ["k_proj", "down_proj"], "feedforward_modules": ["down_proj"]}
    yield {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 2, "num_layers": 1, "token_dim": 8}
    yield {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 2, "num_layers": 1, "token_dim": 4}
    yield {"peft_type": "BEFT", "target_modules": "all-linear"}


def wider_peft_configs():
    """Patterns, saved modules and layers, in all the forms that PEFT writes."""
    lora = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": "all-linear"}
    yield dict(lora, rank_pattern={f"model.layers.{i}.self_attn.{m}_proj": 1 for i in range(40) for m in "qkvo"})
    yield dict(lora, rank_pattern={"^.*\\.(q|k)_proj$": 1, "layers\\.0\\..*": 3, "(a*)*b": 2}, alpha_pattern={"q_proj": 1e30, ".": 0.5})
    yield dict(lora, modules_to_save=["lm_head", "embed_tokens", "norm", "model.norm", "", "layers.0.input_layernorm"])
    yield dict(lora, target_modules=["q_proj"], exclude_modules="k.*", layers_to_transform=[0], layers_pattern=["layers"])
    yield dict(lora, trainable_token_indices={"embed_tokens": [1, 2], "lm_head": [3]}, bias="all", lora_bias=True)
    yield dict(lora, trainable_token_indices=[0, 9], ensure_weight_tying=True)
    yield {"peft_type": "BOTTLENECK", "bottleneck_size": 4, "placement": "houlsby", "non_linearity": "silu"}


def lora_folder(config, more=()):
    """A folder's two files with a zero byte between them."""
    entries = [("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "F32", [2, 8], bytes(64)),
               ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", "F32", [8, 2], bytes(64)), *more]
    return json.dumps(config).encode() + b"\0" + safetensors(entries)


def adapter_folders():
    lora = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    prefix = "base_model.model."
    yield lora_folder(lora)
    yield lora_folder(dict(lora, r=1, rank_pattern={".*q_proj": 2}, modules_to_save=["norm"]),
                      [(prefix + "model.norm.weight", "F32", [8], bytes(32))])
    yield lora_folder(dict(lora, use_dora=True),
                      [(prefix + "model.layers.0.self_attn.q_proj.lora_magnitude_vector", "F32", [8], bytes(32))])
    yield lora_folder(dict(lora, trainable_token_indices=[1]),
                      [(prefix + "model.embed_tokens.token_adapter.trainable_tokens_delta", "F32", [1, 8], bytes(32))])
    yield lora_folder(dict(lora, bias="lora_only", lora_bias=True),
                      [(prefix + "model.layers.0.self_attn.q_proj.lora_B.bias", "F32", [8], bytes(32))])
    yield lora_folder(dict(lora, target_modules=["q_proj", "lm_head"]),
                      [(prefix + "lm_head.lora_A.weight", "F32", [2, 8], bytes(64)), (prefix + "lm_head.lora_B.weight", "F32", [10, 2], bytes(80))])
    for config in wider_peft_configs():
        yield json.dumps(config).encode() + b"\0" + safetensors([])


def sentence_encoders():
    config = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6, "vocab_size": 6,
              "max_position_embeddings": 16, "model_type": "bert", "hidden_act": "gelu"}
    tokens = {"model": {"type": "WordPiece", "vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "a": 3, "b": 4, "##c": 5}}}
    floats = lambda *shape: ("F32", list(shape), struct.pack("<%df" % (shape[0] * (shape + (1,))[1]), *[0.1] * (shape[0] * (shape + (1,))[1])))
    d, ffn = 4, 6
    for kinds, more in ((2, {}), (1, {"layer_norm_eps": 1e-12}), (2, {"layer_norm_eps": 0, "position_embedding_type": "absolute"})):
        tensors = {"embeddings.word_embeddings.weight": floats(6, d), "embeddings.position_embeddings.weight": floats(16, d),
                   "embeddings.token_type_embeddings.weight": floats(kinds, d)}
        at = "encoder.layer.0."
        for name, n_out, n_in in (("attention.self.query", d, d), ("attention.self.key", d, d), ("attention.self.value", d, d),
                                  ("attention.output.dense", d, d), ("intermediate.dense", ffn, d), ("output.dense", d, ffn)):
            tensors[at + name + ".weight"], tensors[at + name + ".bias"] = floats(n_out, n_in), floats(n_out)
        for name in ("embeddings.LayerNorm", at + "attention.output.LayerNorm", at + "output.LayerNorm"):
            tensors[name + ".weight"], tensors[name + ".bias"] = floats(d), floats(d)
        yield b"\0".join([json.dumps(dict(config, **more)).encode(), json.dumps(tokens).encode(),
                          safetensors([(name, *entry) for name, entry in tensors.items()])])


def gates():
    model = lambda n: {"mean": [0.0] * n, "deviation": [1.0] * n, "weights": [1.0] * n, "bias": 0.5}
    gate = {"format": "quipu gate 1", "keys": {"model": "m", "tokenizer": "t", "prompt": "p"}, "names": ["a", "b"], "threshold": 0.0,
            "cheap_threshold": -1e300, "probability": {"slope": 1.0, "offset": 0.0}, "stack": model(2), "cheap": model(1)}
    return [gate, dict(gate, probe=model(3)), dict(gate, keys={"model": "other", "tokenizer": "t", "prompt": "p"})]


def training_checkpoints():
    tensors = [("w", "F32", [2, 4], bytes(32)), ("optimizer.m", "U8", [16], bytes(16))]
    facts = {"step": "3", "best_step": "1", "best_loss": "0.25", "setting.seed": "0", "companion.average": "{\"n\": 1}"}
    return [safetensors(tensors, facts), safetensors(tensors, dict(facts, **{"setting.rate": "1e-3"})), safetensors(tensors, dict(facts, step="x"))]


def planes():
    facts = {"quipu.gate_planes": "1", "quipu.dither_seed": "9e3779b97f4a7c15", "quipu.n_col": "64", "quipu.content_hash": "0" * 16, "quipu.n_layer": "1",
             "quipu.planes_hash": "0" * 16}  # another hash than theirs: the last of all checks
    tensors = [("layers.0.high", "U8", [1, 576], b"\1" + bytes(575)), ("layers.0.low", "U8", [1, 128], b"\1" + bytes(127)),
               ("layers.0.scale", "F32", [16], struct.pack("<16f", 0.5, *[0] * 15)), ("layers.0.error", "F64", [1], struct.pack("<d", 0.01))]
    return [safetensors(tensors, facts), safetensors(tensors, dict(facts, **{"quipu.n_layer": "3"}))]


def predictors():
    facts = {"quipu.predictor": "low-rank predictor", "quipu.least": "0", "quipu.content_hash": "0" * 16, "quipu.n_layer": "1"}
    tensors = [("layers.0.first", "F32", [2, 4], bytes(32)), ("layers.0.second", "BF16", [3, 2], bytes(12)), ("layers.0.least", "F32", [3], bytes(12))]
    power_infer = gguf([("powerinfer.sparse_threshold", 6, struct.pack("<f", 0.5))],
                       [("blk.0.fc1.weight", [4, 2], 0, bytes(32)), ("blk.0.fc2.weight", [2, 3], 1, bytes(12))])
    return [safetensors(tensors, facts), safetensors(tensors[:2], facts), b"PWRI" + power_infer[4:]]


def llama2c_tokenizer(texts, longest=8):
    return struct.pack("<I", longest) + b"".join(struct.pack("<fI", -i, len(text)) + text for i, text in enumerate(texts))


def lora_gguf():
    keys = [("general.type", 8, gguf_text("adapter")), ("general.architecture", 8, gguf_text("llama")),
            ("adapter.type", 8, gguf_text("lora")), ("adapter.lora.alpha", 6, struct.pack("<f", 4))]
    values = struct.pack("<16f", *range(16))
    return gguf(keys, [("blk.0.attn_q.weight.lora_a", [8, 2], 0, values), ("blk.0.attn_q.weight.lora_b", [2, 8], 0, values)])


def protobuf(number, value):
    """A field: bytes, a float or an integer."""
    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    key, out = number << 3 | (2 if isinstance(value, bytes) else 0), b""
    for part in (key, len(value) if isinstance(value, bytes) else value % (1 << 64)):
        while part >= 128:
            out, part = out + bytes([part % 128 + 128]), part // 128
        out += bytes([part])
    return out + (value if isinstance(value, bytes) else b"")


def sentencepiece_model():
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("<0x41>", 0.0, 6), ("\u2581a", -1.0, 1),
              ("a", -2.0, 1), ("tool", 0.0, 4), ("aa", -3.0, 5)]
    model = b"".join(protobuf(1, protobuf(1, text.encode()) + protobuf(2, score) + protobuf(3, kind))
                     for text, score, kind in pieces)
    trainer = protobuf(3, 2) + protobuf(40, 0) + protobuf(41, 1) + protobuf(42, 2) + protobuf(43, -1)
    return model + protobuf(2, trainer) + protobuf(3, protobuf(1, b"identity") + protobuf(3, 1))


def tokenizer_jsons():
    added = [{"id": 4, "content": "<s>", "special": True}, {"id": 5, "content": "<t>", "special": False}]
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<unk>": 3}, "merges": ["a b"]}
    level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]}
    post = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}
    spaces = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"}
    yield {"added_tokens": added, "pre_tokenizer": level, "post_processor": post, "model": model}
    yield {"added_tokens": added, "pre_tokenizer": digits, "normalizer": {"type": "NFC"},
           "model": dict(model, merges=[["a", "b"]], ignore_merges=True)}
    yield {"added_tokens": added, "pre_tokenizer": spaces, "model": dict(model, byte_fallback=True, unk_token="<unk>")}


def jinja_templates():
    loop = "{%- for m in messages if m.content %}{{ loop.index }}<|{{ m.role }}|>{{ m['content']|trim }}{{ loop.last }}\n{% else %}-{% endfor %}"
    return [loop, "{{ bos_token }}{% set ns = namespace(a=0) %}{% for i in range(n) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}",
            "{% macro f(n, k='x') %}{% if n > 0 %}{{ f(n - 1) }}{{ k }}{{ varargs }}{{ kwargs }}{% endif %}{% endmacro %}{{ f(3, 'y', 5, q=1) }}",
            "{% call(u) f() %}{{ u }}{% endcall %}{% filter upper %}a{% endfilter %}{% with a = 1, b = 2 %}{{ a ~ b }}{% endwith %}",
            "{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join('-')|replace('a', 'b')|indent(2, true) }}",
            "{{ s.split(',')[-1].strip('ab').upper() }}{{ s[::-1] }}{{ s[1:-1] }}{{ s|wordwrap(5) }}{{ s|title|truncate(9) }}",
            "{{ d|tojson(indent=2) }}{{ d.items() }}{{ d['items'] }}{{ [1, 2.5, none, true, (1,), {}]|string }}{{ d|dictsort }}",
            "{{ '%s %5d %.2f'|format(s, n, x) }}{{ '{0:>8} {k!r}'.format(s, k=n) }}{{ 2 ** 70 // 3 % 1000 }}{{ -7 // 2 }}",
            "{# c #}{% raw %}{{ }}{% endraw %}{% if not s is defined and n in [1, 2] %}a{% elif x >= 1 < n %}b{% else %}c{% endif %}",
            "{% set t %}{{ s }}{% endset %}{{ t|safe + '<' }}{{ t|e }}{% generation %}{{ t }}{% endgeneration %}{% break %}",
            "{% for a in [[1, [2]]] recursive %}{{ loop(a) if a is iterable }}{% if a is number %}{% continue %}{% endif %}{% endfor %}",
            "{{ s|list|unique|sort|batch(2, 'z')|list }}{{ messages|groupby('role') }}{{ strftime_now('%d %b %Y') }}{{ raise_exception(s) }}"]


def notes_databases():
    """The notebook of an earlier version with small pages, and the same without its full-text index."""
    source = pathlib.Path(__file__).resolve().parent.parent / "earlier" / "editor" / "notes.db"
    for change in ("", "pragma writable_schema = on; delete from sqlite_master where name like 'notes_words%';"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "notes.db"
            shutil.copy(source, path)
            database = sqlite3.connect(path)
            database.executescript("pragma journal_mode = delete;" + change)
            database.close()
            database = sqlite3.connect(path)
            database.executescript("pragma page_size = 512; vacuum;")
            database.close()
            yield path.read_bytes()


def json_lines():
    yield (b'{"id":1,"text":"The capital of Norway is Bergen.","subject":"Norway","relation":"capital","object":"Bergen",'
           b'"source":"x","created":5,"valid_from":1,"valid_until":9,"tags":["a","b"],"supersedes":2}\n\n'
           b'{"text":"gone","status":"superseded","superseded_by":1}\n')
    yield '{"text":"\u00c5land \\ud83d\\ude42","tags":null,"unknown":[1,{"x":2.5e3}]}'.encode()


def search_caches():
    terms = [b"capital", b"norway", b"is"]
    index = struct.pack("<3Q", len(terms), 2, 4) + b"".join(struct.pack("<I", len(t)) + t for t in terms)
    for note, counts in ((1, [(0, 1), (1, 2)]), (3, [(0, 1), (2, 1)])):
        index += struct.pack("<qHI", note, sum(n for _, n in counts), len(counts))
        index += b"".join(struct.pack("<IH", term, n) for term, n in counts)
    words = b"folded words, stop words apart"
    grams = ngram_index([b"oslo", b"is", b"oslos"], [(1, [(0, 1)]), (3, [(1, 1), (2, 2)])])
    seeds = []
    for kind, (identity, body) in enumerate(((b"bm25 1 " + words, index), (b"char n-grams 1 3-5 " + words, grams),
                                             (b"hybrid 1 [bm25 1 %s] [char n-grams 1 3-5 %s]" % (words, words), index + grams))):
        head = b"quipu search cache 2\n" + struct.pack("<I", len(identity)) + identity + struct.pack("<I", 3) + b"1:2"
        seeds += [bytes([2 * kind]) + body, bytes([2 * kind + 1]) + head + struct.pack("<q", 1) + body]
    return seeds


def ngram_index(words, notes):
    """Notes by (id, [(word, count)]), as ngram_index.ipp writes them."""
    grams, of_words, wholes = {}, [], []
    for word in words:
        whole = b"<" + word + b">"
        cut = [whole[at : at + n] for n in (3, 4, 5) for at in range(len(whole) - n + 1)] + [whole]
        of_words.append(sorted(grams.setdefault(gram, len(grams)) for gram in cut))
        wholes.append(grams[whole])
    entries = [gram for word in of_words for gram in word]
    counts = [(word, count) for _, terms in notes for word, count in terms]
    with_gram = [sum(any(g in of_words[w] for w, _ in terms) for _, terms in notes) for g in range(len(grams))]
    integers = lambda values: struct.pack("<%dI" % len(values), *values)
    text = b"".join(grams)
    return (struct.pack("<4Q", len(grams), len(text), len(words), len(entries)) + integers([len(g) for g in grams]) + text
            + integers(wholes) + integers([len(w) for w in of_words]) + integers(entries)
            + struct.pack("<2Q", len(notes), len(counts)) + integers(with_gram)
            + struct.pack("<%dq" % len(notes), *(note for note, _ in notes)) + struct.pack("<%dd" % len(notes), *(0.2 for _ in notes))
            + integers([len(terms) for _, terms in notes]) + integers([word for word, _ in counts])
            + struct.pack("<%dH" % len(counts), *(count for _, count in counts)))


def main():
    root = pathlib.Path(sys.argv[1])
    floats = struct.pack("<6f", *range(6))
    seeds = {
        "gguf": [tiny_llama("llama"), tiny_llama("gpt2"), gguf_blocks(), gguf_values()],
        "safetensors": [safetensors([("a", "F32", [2, 3], floats), ("b", "U8", [4], b"abcd"), ("s", "BF16", [], b"ab")],
                                    {"format": "pt"}),
                        safetensors([]), json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}).encode()],
        "llama2c": [llama2c(0), llama2c(0, -3), llama2c(1), llama2c(2)],
        "npy": [npy("<f4", (2, 3), floats), npy("<f4", (2, 3), floats, True, 2), npy("<f2", (12,), floats),
                npy("|b1", (), b"\1"), npy("<i8", (3,), floats)],
        "sentencepiece_model": [sentencepiece_model()],
        "tokenizer_json": [json.dumps(file).encode() for file in tokenizer_jsons()],
        "encode": [bytes([mode]) + "I'm <s>a  aa 12\n\u00e4<tool> a".encode() for mode in (0, 1, 2, 131, 134)]
        + [bytes([mode]) + b"aaaaaaaaaaaa<a b1><><1<b a>> aaa<bbbb>a" * 8 for mode in (5, 6, 131, 132)],
        "hf_config": [json.dumps(config).encode() for config in hf_configs()],
        "jinja": [template.encode() + b"\0I'm, <b> a\xc3\xa4\n b" for template in jinja_templates()],
        "adapter": [json.dumps(config).encode() for config in (*peft_configs(), *wider_peft_configs())] + [lora_gguf()],
        "adapter_folder": list(adapter_folders()),
        "sentence_encoder": list(sentence_encoders()),
        "gate": [json.dumps(gate).encode() for gate in gates()],
        "training_checkpoint": training_checkpoints(),
        "llama2c_tokenizer": [llama2c_tokenizer([b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x41>", b" a"]),
                              llama2c_tokenizer([b"", b"", b""] + [b"<0x%02X>" % i for i in range(256)] + [b"a", b"aa", b" "])],
        "notes_database": notes_databases(),
        "json_lines": json_lines(),
        "search_cache": search_caches(),
        "planes": planes(),
        "predictor": predictors(),
    }
    for target, files in seeds.items():
        folder = root / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(files):
            (folder / ("seed%d" % number)).write_bytes(content)


if __name__ == "__main__":
    main()
