"""The documents of one source, and the resolution of references between them."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import cast
from urllib.parse import unquote, urldefrag, urljoin

from microagent.jsontext import Complaint, Document
from microagent.names import guess
from microagent.pointers import find, fragment_steps
from microagent.schemas.schemachecks import schema_complaints
from microagent.schemas.scopes import Context, Found, Scope, Steps
from microagent.schemas.siblings import NoSiblingError, Siblings
from microagent.schemas.words import Schema

_DYNAMIC = re.compile(r'"\$(dynamicAnchor|recursiveAnchor)"')
_DECLARING = ("signals", "queues")


class DanglingError(Exception):
    """A reference cannot be resolved; the message continues a sentence that begins with it."""


class Library:
    """
    The documents of one source.

    :ivar file: the definitions of the main document
    :ivar complaints: the problems of all schemas that were examined
    :ivar warnings: warnings about schemas of the main document
    """

    def __init__(self, document: Document, source: str, siblings: Siblings | None = None) -> None:
        """
        :param source: the file or URL of the document
        :param siblings: the files beside it that it may refer to
        """
        name = PurePosixPath(source).name if siblings is not None else ""
        uri = siblings.uri(name) if siblings is not None else source
        self.siblings = siblings
        self.complaints: dict[Complaint, None] = {}
        self.warnings: dict[Complaint, None] = {}
        self._document = document
        self._words: dict[str, tuple[bool, bool]] = {}
        self._uri = uri
        self.file = self._scope(document, uri, "", is_file=True)
        self._scopes: dict[str, Scope] = {name: self.file} if siblings is not None else {}
        self._published: dict[str, Scope] = {}
        self._sound: dict[tuple[Scope, Steps], bool] = {}

    def part(self, steps: Steps) -> Scope:
        """The scope of a schema that no other one refers to, such as a payload."""
        return self._scope(self._document, self._uri, "", root=steps, outer=self.file)

    def document(self, name: str) -> Document:
        """A document by its name in complaints."""
        if name and self.siblings is not None:
            return self.siblings.document(name)
        return self._document

    def complain(self, scope: Scope, complaint: Complaint) -> None:
        """Add a complaint about a document, unless it is there already."""
        self.complaints[Complaint(complaint.message, complaint.steps, complaint.of_key, scope.name)] = None

    def warn(self, warning: Complaint) -> None:
        """Add a warning about the main document, unless it is there already."""
        self.warnings[warning] = None

    def is_sound(self, found: Found) -> bool:
        """Whether a schema is valid; its problems become complaints."""
        key = (found.scope, found.steps)
        wider = ((found.scope, found.steps[:length]) for length in range(len(found.steps)))
        known = next((each for each in wider if each in self._sound), None)
        if known is not None:
            return self._sound[known]
        if key not in self._sound:
            complaints = schema_complaints(found.schema, found.context.draft)
            for complaint in complaints:
                self.complain(found.scope, complaint.below(*found.steps))
            self._sound[key] = not complaints
        return self._sound[key]

    # -- references

    def meaning(self, reference: str, scope: Scope, context: Context) -> Found:
        """
        The schema that a reference leads to.

        :raises DanglingError: if there is none
        """
        uri, fragment = urldefrag(reference)
        if not uri:
            found = self._inside(scope, context.resource, fragment)
            if found is None and context.around is not None:
                found = self._inside(scope, context.around, fragment)
            if found is None and scope.outer is not None:
                found = self._inside(scope.outer, (), fragment)
            return found or self._lost(scope, context.resource, fragment)
        there, resource = self._resource(reference, uri, scope, context)
        return self._inside(there, resource, fragment) or self._lost(there, resource, fragment)

    def _inside(self, scope: Scope, resource: Steps, fragment: str) -> Found | None:
        if fragment and not fragment.startswith("/"):
            place = scope.named.anchors.get((resource, unquote(fragment)))
            return None if place is None else scope.find(place)
        return scope.find((*resource, *fragment_steps(fragment)))

    def _lost(self, scope: Scope, resource: Steps, fragment: str) -> Found:
        steps = (*resource, *fragment_steps(fragment))
        if (not fragment or fragment.startswith("/")) and find(scope.value, steps) is not None:
            raise DanglingError(f"leads to what is not a schema{_advice(fragment)}")
        places = [f"#/{step}/{name}" for step, name in _shared(scope)] + [
            f"#{anchor}" for _, anchor in scope.named.anchors
        ]
        raise DanglingError(f"leads nowhere{_advice(fragment) or guess('#' + fragment, places)}")

    def _resource(self, reference: str, uri: str, scope: Scope, context: Context) -> tuple[Scope, Steps]:
        absolute = urljoin(context.base, uri)
        for each in filter(None, (scope, scope.outer)):
            if absolute in each.named.ids:
                return each, each.named.ids[absolute]
        if (published := _published(absolute)) is not None:
            return self._known(absolute, published), ()
        if absolute == self._uri:
            return self.file, ()
        if self.siblings is None:
            raise DanglingError("is another document: only this one can be referred to")
        if reference.startswith("/") or reference.lower().startswith("file:"):
            raise DanglingError("is an absolute path: make it relative to this file")
        try:
            return self._sibling(self.siblings, self._here(absolute, scope, context)), ()
        except NoSiblingError as exc:
            raise DanglingError(str(exc)) from exc

    def _here(self, absolute: str, scope: Scope, context: Context) -> str:
        """Map the URI of a file beside the published schema to that of the same file beside the local copy."""
        folder = context.home.rpartition("/")[0]
        if folder and absolute.startswith(f"{folder}/") and not context.home.startswith("file:"):
            return urljoin(scope.uri, absolute[len(folder) + 1 :])
        return absolute

    def _sibling(self, siblings: Siblings, uri: str) -> Scope:
        name = siblings.locate(uri)
        if name not in self._scopes:
            document = siblings.document(name)
            value: object = document.value
            keys = cast("dict[str, object]", value) if isinstance(value, dict) else dict[str, object]()
            is_file = any(isinstance(keys.get(each), list) for each in _DECLARING)
            scope = self._scope(document, siblings.uri(name), name, is_file=is_file)
            self._scopes[name] = scope
            for mistake in document.mistakes:
                self.complain(scope, mistake)
        return self._scopes[name]

    def _known(self, uri: str, schema: Schema) -> Scope:
        if uri not in self._published:
            self._published[uri] = Scope(schema, uri, uri, is_dynamic=True)
        return self._published[uri]

    def _scope(
        self,
        document: Document,
        uri: str,
        name: str,
        *,
        root: Steps = (),
        is_file: bool = False,
        outer: Scope | None = None,
    ) -> Scope:
        if name not in self._words:
            self._words[name] = "unevaluatedItems" in document.text, _DYNAMIC.search(document.text) is not None
        seals, is_dynamic = self._words[name]
        return Scope(document.value, uri, name, root, is_file, outer, seals=seals, is_dynamic=is_dynamic)


def _published(uri: str) -> Schema | None:
    """A schema that JSON Schema itself publishes, such as the metaschema of a draft; None for others."""
    if not uri.startswith(("http://json-schema.org/", "https://json-schema.org/")):
        return None
    from jsonschema_specifications import REGISTRY  # rarely needed

    found = REGISTRY.get(uri)
    return None if found is None else found.contents


def _shared(scope: Scope) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for word in ("$defs", "definitions"):
        shared = find(scope.value, (*scope.root, word))
        found += [(word, name) for name in cast("Mapping[str, object]", shared)] if isinstance(shared, Mapping) else []
    if scope.outer is not None:
        found += _shared(scope.outer)
    return found


def title(found: Found) -> str:
    """The name of a schema: that in ``$defs``, or that of its file."""
    if found.steps and (found.steps != found.scope.root or not found.scope.name):
        return found.steps[-1]
    return stem(found.scope.name)


def stem(name: str) -> str:
    """The name of a file without extensions of its format: ``order.v1`` for ``order.v1.schema.json``."""
    return PurePosixPath(name).stem.removesuffix(".schema")


def _advice(fragment: str) -> str:
    """Advice for a reference to another declaration; empty for others."""
    is_of_another = fragment.startswith(("/signals/", "/queues/"))
    return ": move what declarations share to $defs, and refer to it there" if is_of_another else ""
