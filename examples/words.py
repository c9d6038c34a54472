#!/usr/bin/env python3
"""A provider in a few lines: counts the words of a text.

A node runs it for every task of its kind: the task's parameters come in as JSON, what is written
to standard output is the result, and an exit status other than 0 makes the task fail with what
was written to standard error.

  mcpz up --provide text.words=examples/words.py
  mcpz task run text.words --params '{"text": "to be or not to be"}'
"""

import collections
import json
import re
import sys

TOP = 5


def count(text):
    words = re.findall(r"\w+(?:['\u2019]\w+)*", text.lower())
    # The most frequent first; of equally frequent ones, in the order of the alphabet.
    ranked = sorted(collections.Counter(words).items(), key=lambda item: (-item[1], item[0]))
    return {
        "characters": len(text),
        "words": len(words),
        "unique": len(ranked),
        "top": [{"word": word, "count": times} for word, times in ranked[:TOP]],
    }


def main():
    try:
        text = json.loads(sys.stdin.buffer.read().decode("utf-8"))["text"]
    except (ValueError, KeyError, TypeError):
        sys.exit('words: want a JSON object with a text: {"text": "..."}')
    if not isinstance(text, str):
        sys.exit('words: "text" must be a text')
    json.dump(count(text), sys.stdout, ensure_ascii=True)
    print()


if __name__ == "__main__":
    main()
