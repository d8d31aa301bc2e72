"""The help of each command: what it does, and an example that works."""

import argparse
from typing import TypeAlias

# The type that add_subparsers returns has no public name.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def example(words: str) -> str:
    """Return the epilog of a command's help.

    Args:
        words: What is typed after the name of the command.
    """
    return f"example:\n  %(prog)s {words}".rstrip()


def add_command(
    commands: Commands, name: str, help_text: str, example_words: str
) -> argparse.ArgumentParser:
    """Add a command with its help.

    Args:
        commands: Commands that it is added to.
        name: Name of the command.
        help_text: What it does.
        example_words: What is typed after its name in an example.
    """
    return commands.add_parser(
        name,
        help=help_text,
        description=f"{help_text[:1].upper()}{help_text[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=example(example_words),
    )
