"""Approvals of a commit in git: signatures with listed keys, and trailers."""

import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.core.model.finding import Refusal, listed
from reconciler.core.model.review import Approval, Discarded, Review, evidence_flaw
from reconciler.core.model.trailers import co_authors, digests_in, endorsers
from reconciler.git.repository import Repository

_SIGNER = re.compile(r'^Good "git" signature for (\S+) with ', re.MULTILINE)


def review_of(repository: Repository, commit: str, *, signers: Path | None) -> Review:
    """The review of a commit according to git, with people as e-mail addresses.

    The authors of a merge are those of the merged commits. Who made the merge is one of them if
    it has content of its own. Approvals are signed tags and the signature of a merge, with keys
    that `signers` lists. Without `signers` they are trailers, unless an author of the change
    wrote the commit with the trailers.
    """
    ((made, parents),) = repository.commits("--no-walk", commit)
    message, merge = made.message, len(parents) > 1
    authors = [*co_authors(message)]
    if merge:
        merged = repository.commits(f"{commit}^@", f"^{commit}^1", "--")
        authors += (who for one, _ in merged for who in one.people)
    if not merge or not is_clean_merge(repository, commit, parents):
        authors += (made.author, made.committer)
    signed = tuple(_signed(repository, commit, signers, message, merge=merge)) if signers else ()
    trailers: tuple[Approval, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    made_by = {made.author.casefold(), made.committer.casefold()}
    written = made_by & {who.casefold() for who in authors}
    if signers is not None or written:
        why = (
            "is named by a trailer, but policy.approvals.allowedSigners requires signatures"
            if signers is not None
            else "is named by a trailer that an author of the change wrote"
        )
        discarded = tuple(Discarded(who=address, why=why) for address in endorsers(message))
    else:
        evidence = "a trailer of the commit"
        trailers = tuple(_approval(who, evidence, message) for who in endorsers(message))
    if signers is None:
        why = "are not read: policy.approvals.allowedSigners names no file"
        discarded += (Discarded(who="signatures", why=why),)
    return Review(
        change=f"commit {commit[:10]}",
        commit=commit,
        signed=signers is not None,
        authors=tuple(dict.fromkeys(address for address in authors if address)),
        approvals=(*signed, *trailers),
        discarded=discarded,
    )


def flaws_of(repository: Repository | None, commit: str) -> Iterator[Refusal]:
    """Differences between the files and the commit: approvals are for the commit only."""
    head = None if repository is None else repository.head()
    if repository is None or head is None:
        where = "is not in a git repository" if repository is None else "was never committed"
        yield evidence_flaw(
            f"the workspace {where}, so its files have no commit",
            "Apply from a checkout of the approved commit.",
        )
        return
    if head != commit:
        yield evidence_flaw(
            f"{head[:10]} is checked out, but approvals are for {commit[:10]}",
            "Check out the commit to apply.",
        )
    changed = repository.changed()
    if changed:
        yield evidence_flaw(
            f"files of the workspace differ from the commit: {listed(changed, 3)}",
            "Commit the files and get approvals, or restore them.",
        )


def merge_flaws_of(repository: Repository, commit: str, head: str) -> Iterator[Refusal]:
    """Content of a merge in addition to the approved head; none without the history."""
    code, out, _ = repository.run("rev-parse", f"{commit}^@")
    parents = out.split()
    if code != 0 or len(parents) < 2:
        return
    if len(parents) > 2:
        yield evidence_flaw(
            f"the merge {commit[:10]} has {len(parents)} parents, but only "
            f"{head[:10]} was approved",
            "Merge each change separately.",
        )
        return
    if head not in parents:
        return
    known = all(repository.run("cat-file", "-e", f"{one}^{{tree}}")[0] == 0 for one in parents)
    if known and not is_clean_merge(repository, commit, parents):
        yield evidence_flaw(
            f"the merge {commit[:10]} has content of its own, but only {head[:10]} was approved",
            "Use a separate change for this content.",
        )


def is_clean_merge(repository: Repository, merge: str, parents: list[str]) -> bool:
    """Whether a merge has no content of its own: git makes the same of its parents."""
    if len(parents) != 2:
        return False
    code, out, _ = repository.run("merge-tree", "--write-tree", *parents)
    tree = repository.run_checked("rev-parse", f"{merge}^{{tree}}").strip()
    return code == 0 and out.strip() == tree


def _signed(
    repository: Repository, commit: str, signers: Path, message: str, *, merge: bool
) -> Iterator[Approval]:
    for tag, name in repository.tags_at(commit):
        if who := _signer(repository, signers, "verify-tag", tag):
            text = repository.run_checked("cat-file", "tag", tag)
            yield _approval(who, f"the signed tag {name}", text)
    if merge and (who := _signer(repository, signers, "verify-commit", commit)):
        yield _approval(who, "the signature of the merge", message)


def _signer(repository: Repository, signers: Path, verb: str, what: str) -> str:
    """Who signed with a listed key; empty without one.

    Only SSH keys count. The list alone names their owners; keyrings of the machine are ignored.
    """
    settings = {
        "gpg.ssh.allowedSignersFile": str(signers.absolute()),
        "gpg.ssh.program": "ssh-keygen",
        "gpg.program": "false",
        "gpg.openpgp.program": "false",
        "gpg.x509.program": "false",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    code, _, err = repository.run(*options, verb, what)
    found = _SIGNER.search(err)
    return found[1] if code == 0 and found else ""


def _approval(who: str, evidence: str, text: str) -> Approval:
    return Approval(who=who, evidence=evidence, weak=True, digests=digests_in(text))
