"""A git repository that is a workspace, and the job that runs in it."""

import os
import subprocess

from books_fixtures import (  # noqa: F401 - fixtures are found by their names here
    empty,
    empty_template,
    opened,
    plain_environment,
)
from books_harness import credit, debit
from forge_server import account, commit_of

TOKEN = "ghs_actions"


POLICY = "{policy: {approvals: {tiers: [{required: 1}, {required: 2, amount: {USD: 1000}}]}}}"


PEOPLE = {
    "mallory": "mallory@example.com",
    "alice": "alice@example.com",
    "bob": "bob@example.com",
    "dave": "dave@example.com",
}


class Checkout:
    """A git repository whose only directory is a workspace."""

    def __init__(self, books, *, there=False):
        """Makes the repository, if it is not `there`."""
        self.books = books
        if not there:
            self.git("init", "--quiet", "--initial-branch=main")
            self.commit("Begin", author="dave")

    def git(self, *arguments, author="mallory"):
        name = {"name": author, "email": PEOPLE[author]}
        env = {f"GIT_{role}_{key.upper()}": value for role in ("AUTHOR", "COMMITTER")
               for key, value in name.items()}  # fmt: skip
        return subprocess.run(
            ["git", *arguments], cwd=self.books.root, env=os.environ | env,
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def commit(self, message, author="mallory"):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message, author=author)
        return self.git("rev-parse", "HEAD")

    def branch(self, name):
        self.git("switch", "--quiet", "--create", name)

    def merge(self, branch, *more, message="Merge", author="bob"):
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", message, *more, branch, author=author)
        return self.git("rev-parse", "HEAD")


def job(books, server, **more):
    """What a job's environment says."""
    server.checkout = books.root
    books.env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": server.url,
        "GITHUB_REPOSITORY": "acme/books",
        "GITHUB_TOKEN": TOKEN,
        **more,
    }


def brought(checkout, github, author, name, *, amount="400.90", posts=True):
    """The merge of a new change, which has nobody's approval yet; the job is one for it."""
    checkout.branch(name)
    checkout.books.write(f"{name}.txt", "words")
    if posts:
        checkout.books.declare(name, debit(amount), credit(amount))
    head = checkout.commit(name, author=author)
    if github.pull["merged"]:
        github.set_aside(6 - len(github.earlier))
    github.reviews, github.activities = [], []
    github.pull |= {"state": "open", "merged": False, "user": account(author)}
    github.pull["head"] |= {"sha": head, "ref": name}
    github.commits = [commit_of(head, author)]
    merged = checkout.merge(name, author="bob")
    github.merge(merged)
    job(checkout.books, github, GITHUB_SHA=merged)
    return merged
