"""Every rule a finding may name, with its one-line meaning. Each has a page, `docs/findings/<rule>.md`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RULES: Mapping[str, str] = MappingProxyType(
    {
        # pickle
        "pickle-executes-code": "Loading the file calls something that runs commands or code, or reaches out.",
        "pickle-dangerous-import": "The file brings in something that runs commands or code, without a call we saw.",
        "pickle-unknown-import": "The file brings in a function or class nobody has listed as harmless.",
        "pickle-unusual-use": "A harmless function or class is used in a way ordinary files never use it.",
        "pickle-unresolved-import": "What the file brings in or calls is computed while it loads.",
        "pickle-needs-class": "The file can only be loaded with classes of a known library.",
        "pickle-overwrites-attributes": "Loading the file changes attributes or hooks of something it did not make.",
        "pickle-extension-code": "The file names code by a number from a registry that is not in the file.",
        "pickle-persistent-id": "The file leaves an object to be found by its loader, under an unknown kind of id.",
        "pickle-frame-mismatch": "A frame of the pickle ends inside an opcode, where unpicklers go different ways.",
        "pickle-broken-off": "The pickle ends or breaks in the middle; what stands before the break still runs.",
        "pickle-expansion": "A few bytes of the pickle become more than a machine can hold or walk through.",
        "pickle-trailing-data": "Bytes follow the end of the pickle.",
        # archives
        "archive-path-traversal": "A member's name leads outside the folder it is unpacked to.",
        "archive-special-member": "A member of the archive is a link, a device or a pipe.",
        "archive-duplicate-member": "Two members of an archive have the same name, and readers take different ones.",
        "archive-malformed": "The archive breaks the rules of its format, so that readers see different things in it.",
        "archive-encrypted": "The archive is encrypted: nobody can look into it without the password.",
        "archive-opaque": "The file is an archive of a kind that is not unpacked here.",
        "archive-bomb": "The archive unpacks to far more than an honest one does.",
        "archive-runs-code": "The package names code of its own that its loader or installer runs.",
        "zip-duplicate-member": "Two members of the archive have the same name.",
        "zip-header-mismatch": "The archive's directory and a member's own header disagree.",
        "zip-irregular": "The archive is laid out in a way that readers understand differently.",
        "zip-crc-mismatch": "A member's checksum is wrong.",
        "torch-unexpected-member": "A PyTorch archive carries a member that PyTorch does not write.",
        "torch-storage-mismatch": "A tensor's declared size and its bytes disagree.",
        "torch-package-code": "A torch.package carries Python modules, which run when it is loaded.",
        "torch-export-expression": "A symbolic size in an exported graph is Python, which PyTorch evaluates.",
        "torchscript-code": "The archive carries TorchScript code.",
        "torchscript-file-access": "The archive's TorchScript reads or writes files, or calls other machines.",
        "torchscript-custom-operator": "The archive's TorchScript needs operators of a native library not PyTorch's.",
        "torchscript-python": "Where TorchScript should be stands Python that TorchScript cannot have.",
        # tensor formats
        "safetensors-malformed": "The safetensors header breaks the format's rules.",
        "gguf-malformed": "The GGUF header breaks the format's rules.",
        "numpy-malformed": "The NumPy header breaks the format's rules.",
        "template-dunder-access": "A chat template reaches for Python internals.",
        "onnx-external-data-path": "The ONNX model reads a file outside its own folder.",
        "onnx-custom-operator": "The ONNX model needs operators that come from code outside of it.",
        # Keras, HDF5 and TensorFlow
        "keras-executes-code": "Loading the model calls something that is no part of a model.",
        "keras-lambda": "The model carries Python code in a Lambda layer.",
        "keras-custom-object": "The model needs classes or functions that are not Keras' own.",
        "keras-reads-file": "The model's configuration names a file or an address that loading it reads.",
        "keras-malformed": "The model's configuration can be read in two ways.",
        "hdf5-external-data": "The HDF5 file takes data from other files.",
        "hdf5-filter": "Reading the HDF5 file needs a filter that is native code from elsewhere.",
        "hdf5-malformed": "The HDF5 file breaks the format's rules.",
        "tensorflow-executes-code": "The graph calls Python, native code or another machine.",
        "tensorflow-file-access": "The graph reads or writes files beyond its own checkpoint.",
        "tensorflow-custom-operator": "The graph needs operators that come from code outside of it.",
        "tensorflow-malformed": "The graph breaks the format's rules.",
        "onnx-python-operator": "The ONNX model has an operator that runs Python code.",
        "onnx-malformed": "The ONNX model says of itself what no exporter writes.",
        # any format of models or data
        "payload-in-data": "Code, a command or a packed object stands where plain values belong.",
        "graph-runs-code": "The model's graph has a layer that runs code.",
        "graph-custom-layer": "The model's graph needs layers that come from code outside of it.",
        "path-outside-model": "The file names a file outside the model's folder.",
        "format-malformed": "The file breaks the rules of its format.",
        "opaque-engine": "The file is compiled for a processor or a device, and cannot be looked into.",
        # markup and documents
        "xml-entity": "The XML declares entities or takes in other files.",
        "active-content": "The document carries scripts, macros or actions for the program that shows it.",
        # other languages and libraries
        "skops-dangerous-type": "The skops file is built with functions that run code, or tricks its type check.",
        "skops-unknown-type": "The skops file needs types that skops does not trust by itself.",
        "r-runs-code": "The R file has promises or pointers that act when they are read or first used.",
        "r-carries-code": "The R file carries functions or expressions.",
        "foreign-objects": "The file holds objects of another language that its loader builds, with what they do.",
        "table-unpickles": "The table has a type whose reader unpickles what stands in the file.",
        "lua-code": "The file carries compiled Lua functions.",
        "msgpack-irregular": "The msgpack carries what no writer of weights puts there.",
        # templates
        "template-unusual": "A chat template uses what no ordinary chat template needs.",
        "template-exhausts": "Rendering the chat template takes time or memory without end.",
        "template-unreadable": "The chat template is not valid Jinja.",
        "template-hidden-instructions": "A chat template or a tool tells the model something the user does not see.",
        # configurations
        "yaml-python-tag": "The YAML names objects that an unsafe loader would create.",
        "yaml-expands": "The YAML grows without end when its aliases are followed.",
        "config-names-code": "A configuration names functions or classes for its loader to call.",
        "remote-code": "The model needs Python code that comes with it, or from elsewhere.",
        "config-path-escape": "A configuration names a file or address outside the repository.",
        "config-runs-command": "A configuration holds a command that a tool runs.",
        "config-ambiguous": "A configuration is written so that readers understand it differently.",
        # requirements
        "requirement-known-bad": "A package in the list is known to have carried malware.",
        "requirement-lookalike": "A package in the list could be taken for a well-known one.",
        "requirement-foreign-source": "Packages in the list come from elsewhere than the index.",
        "requirement-unpinned": "Packages in the list have no version.",
        # texts
        "secret-in-file": "The file holds a password, key or token.",
        # programs and code
        "native-executable": "The file is a program or library for a processor.",
        "desktop-launcher": "Opening the file on a desktop starts a program or a script.",
        "python-code": "The file is Python source.",
        "code-starts-programs": "Python code starts other programs.",
        "code-runs-hidden-code": "Python code runs code that is decoded, fetched or put together.",
        "code-opens-connections": "Python code opens connections of its own.",
        "code-reads-secrets": "Python code reaches for keys, tokens or credentials.",
        "code-changes-system": "Python code writes, changes or deletes files outside its own folder.",
        "code-tampers-with-python": "Python code changes how Python or its libraries work.",
        "code-loads-native-code": "Python code loads or builds native code.",
        "code-installs-packages": "Python code installs packages while it runs.",
        "code-fetches-code": "Python code runs code of another repository.",
        "code-unpickles": "Python code unpickles data.",
        "code-disguised": "Code is written so that a reader does not see what runs.",
        "code-unparsable": "The file is called Python, but no Python can be read from it.",
        "path-configuration-code": "A .pth file runs code whenever Python starts.",
        "python-bytecode": "The file is compiled Python.",
        "notebook-code": "The file is a notebook.",
        "notebook-active-output": "A notebook's saved output carries active web content.",
        "script-code": "The file is a script.",
        "script-dangerous-command": "A script has a command that no honest script needs.",
        # the file as a whole
        "content-mismatch": "The content is not what the name says.",
        "polyglot": "The file is two formats at once.",
        "link-outside-folder": "The file is a link that leaves its folder.",
        "hidden-bytes": "The file has bytes that its own format gives no meaning, behind its end or inside of it.",
        "deceptive-name": "The file's name hides what it is.",
        # second opinions
        "second-opinion": "Another scanner objects to the file.",
    }
)


class UnknownRule(Exception):
    """A judge named a rule that is not in the catalogue: a mistake of ours, never of the file."""
