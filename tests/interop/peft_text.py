#!/usr/bin/env python3
"""What transformers with PEFT's adapter writes after a prompt, always taking the best token, and its perplexity on a text.

usage: peft_text.py MODEL_FOLDER ADAPTER_FOLDER PROMPT N_TOKEN TEXT; exit status 77 if torch, transformers or peft is not installed.
Prints one JSON object: {"text": ..., "answer": after the prompt as a user's message, "margin": smallest lead of a best logit,
"perplexity": ..., "plain": what the model writes without the adapter}.
"""
# SPDX-License-Identifier: Apache-2.0
import json
import sys

try:
    import peft
    import torch
    import transformers
except ImportError as missing:
    print("SKIPPED: %s (pip install torch transformers peft)" % missing)
    sys.exit(77)


@torch.no_grad()
def write(model, ids, n_token):
    start, margin = len(ids), float("inf")
    for _ in range(n_token):
        best = model(torch.tensor([ids])).logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        ids = ids + [int(best.indices[0])]
        if ids[-1] == model.config.eos_token_id:
            return ids[start:-1], margin
    return ids[start:], margin


@torch.no_grad()
def perplexity(model, ids):
    logits = model(torch.tensor([ids[:-1]])).logits[0]
    return float(torch.nn.functional.cross_entropy(logits.double(), torch.tensor(ids[1:])).exp())


def main():
    folder, adapter, prompt, n_token, text = sys.argv[1:]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    base = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    plain, _ = write(base, tokenizer.encode(prompt), int(n_token))
    model = peft.PeftModel.from_pretrained(base, adapter).eval()
    ids, margin = write(model, tokenizer.encode(prompt), int(n_token))
    chat = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False)
    answer, lead = write(model, tokenizer.encode(chat, add_special_tokens=False), int(n_token))
    print(json.dumps({"text": tokenizer.decode(ids), "answer": tokenizer.decode(answer), "margin": min(margin, lead),
                      "perplexity": perplexity(model, tokenizer.encode(text)), "plain": tokenizer.decode(plain)}))


if __name__ == "__main__":
    main()
