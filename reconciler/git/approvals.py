"""Who approved a commit as far as git alone can tell: signatures of listed keys, and trailers."""

import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.core.model.finding import Refusal
from reconciler.core.model.review import Approval, Discarded, Review
from reconciler.core.model.trailers import co_authors, digests_in, endorsers
from reconciler.git.repository import Repository

_FORMAT = "%H%x00%P%x00%ae%x00%ce%x00%B"
_SIGNER = re.compile(r'^Good "git" signature for (\S+) with ', re.MULTILINE)


def review_of(repository: Repository, commit: str, *, signers: Path | None) -> Review:
    """What git knows of the review of a commit, in which people are e-mail addresses.

    Of a merge, authors are those of what it brought, and who made it too when it holds more than
    that; of another commit, its own. Approvals are signed tags on the commit and the signature of
    a merge, by keys that `signers` lists. Without it they are trailers, unless an author of the
    change wrote the commit that has them.
    """
    _, parents, author, committer, message = _commit(repository, commit)
    merge = len(parents.split()) > 1
    authors = [*co_authors(message)]
    if merge:
        authors += _authors(repository, commit)
    if not merge or not is_clean_merge(repository, commit, parents.split()):
        authors += (author, committer)
    signed = tuple(_signed(repository, commit, signers, message, merge=merge)) if signers else ()
    trailers: tuple[Approval, ...] = ()
    discarded: tuple[Discarded, ...] = ()
    written = {author.casefold(), committer.casefold()} & {who.casefold() for who in authors}
    if signers is not None or written:
        why = (
            "is named by a trailer, and policy.approvals.allowedSigners asks for signatures"
            if signers is not None
            else "is named by a trailer that an author of the change wrote"
        )
        discarded = tuple(Discarded(who=address, why=why) for address in endorsers(message))
    else:
        evidence = "a trailer of the commit"
        trailers = tuple(_approval(who, evidence, message) for who in endorsers(message))
    if signers is None:
        why = "signatures are not read: policy.approvals.allowedSigners names no keys"
        discarded += (Discarded(who="a signer", why=why),)
    return Review(
        change=f"commit {commit[:10]}",
        commit=commit,
        authors=tuple(dict.fromkeys(address for address in authors if address)),
        approvals=(*signed, *trailers),
        discarded=discarded,
    )


def flaws_of(repository: Repository, commit: str, *, except_for: str) -> Iterator[Refusal]:
    """What makes the files another thing than the commit, of which alone approvals speak.

    A directory called `except_for` is nobody's declaration, and left out.
    """
    head = repository.head()
    if head is None:
        yield Refusal(
            rule="approval-evidence",
            message="the workspace is in no git repository, so its files belong to no commit",
            remedy="Apply from a checkout of the commit that was approved.",
        )
        return
    if head != commit:
        yield Refusal(
            rule="approval-evidence",
            message=f"{head[:10]} is checked out, and approvals are looked for of {commit[:10]}",
            remedy="Check out the commit that is applied.",
        )
    changed = repository.changed(except_for=except_for)
    if changed:
        named = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" * (len(changed) > 3))
        yield Refusal(
            rule="approval-evidence",
            message=f"the workspace holds what the commit does not: {named}",
            remedy="Commit the files and have them approved, or restore them.",
        )


def merge_flaws_of(repository: Repository, commit: str, head: str) -> Iterator[Refusal]:
    """What a merge of an approved head holds besides; nothing where the history does not tell."""
    code, out, _ = repository.run("rev-parse", f"{commit}^@")
    parents = out.split()
    if code != 0 or len(parents) < 2:
        return
    if len(parents) > 2:
        yield Refusal(
            rule="approval-evidence",
            message=f"the merge {commit[:10]} has {len(parents)} parents, and what all of them "
            f"bring is more than {head[:10]}, which alone was approved",
            remedy="Merge each change by itself.",
        )
        return
    if head not in parents:
        return
    known = all(repository.run("cat-file", "-e", f"{one}^{{tree}}")[0] == 0 for one in parents)
    if known and not is_clean_merge(repository, commit, parents):
        yield Refusal(
            rule="approval-evidence",
            message=f"the merge {commit[:10]} holds more than git makes of its parents, and "
            f"{head[:10]} alone was approved",
            remedy="Bring what was added in by a change of its own.",
        )


def _commit(repository: Repository, commit: str) -> list[str]:
    return repository.run_checked("show", "--no-patch", f"--format={_FORMAT}", commit).split(
        "\0", 4
    )


def _authors(repository: Repository, merge: str) -> Iterator[str]:
    """Authors, committers and co-authors of everything that a merge brought."""
    out = repository.run_checked(
        "log", "--format=%ae%x00%ce%x00%B%x01", f"{merge}^@", f"^{merge}^1", "--"
    )
    for item in out.split("\x01"):
        author, _, rest = item.strip("\n").partition("\0")
        committer, _, message = rest.partition("\0")
        yield author
        yield committer
        yield from co_authors(message)


def is_clean_merge(repository: Repository, merge: str, parents: list[str]) -> bool:
    """Whether a merge holds what git makes of its parents, and nothing that was added to it."""
    if len(parents) != 2:
        return False
    code, out, _ = repository.run("merge-tree", "--write-tree", *parents)
    tree = repository.run_checked("rev-parse", f"{merge}^{{tree}}").strip()
    return code == 0 and out.strip() == tree


def _signed(
    repository: Repository, commit: str, signers: Path, message: str, *, merge: bool
) -> Iterator[Approval]:
    for name in repository.run_checked("tag", "--points-at", commit).splitlines():
        if who := _signer(repository, signers, "verify-tag", f"refs/tags/{name}"):
            text = repository.run_checked("cat-file", "tag", f"refs/tags/{name}")
            yield _approval(who, f"the signed tag {name}", text)
    if merge and (who := _signer(repository, signers, "verify-commit", commit)):
        yield _approval(who, "the signature of the merge", message)


def _signer(repository: Repository, signers: Path, verb: str, what: str) -> str:
    """Who signed, empty when no listed key did.

    Only keys of SSH count: whose they are is said by the list, and by no keyring of the machine.
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
