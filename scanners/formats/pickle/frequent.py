"""The opcodes a state dict consists of, read in one loop over the window: a function call each would cost four times.

What they do is what `opcodes` says of them; this only does it without leaving the loop, and leaves as soon as an
opcode is another one, its argument is not in the window as a whole, or it would fail.
"""

from __future__ import annotations

from struct import Struct, error
from typing import TYPE_CHECKING

from scanners.formats.pickle.values import DISGUISES, HOLDERS, LONGEST_CARRIED, Imported, Items, Pairs

if TYPE_CHECKING:
    from scanners.formats.pickle.machine import Machine

OPCODES_PER_TURN = 4096
LARGEST_INDEX = 1 << 24
"""Of a memo entry that needs no second look."""
_U16 = Struct("<H").unpack_from
_U32 = Struct("<I").unpack_from
_I32 = Struct("<i").unpack_from
_F64 = Struct(">d").unpack_from


def read_frequent(m: Machine) -> None:
    """Moves the window's position past the frequent opcodes that follow, and the machine's state with it."""
    window = m.window
    buffer, position = window.ahead()
    size = last = len(buffer)
    if m.frame_end is not None:
        last = min(size, m.frame_end - (window.position - position))
    stack, memo = m.stack, m.memo
    count = 0
    # An opcode changes the stack only when nothing of it can fail any more: `position` is then past it.
    try:
        while position < last and count < OPCODES_PER_TURN:
            code = buffer[position]
            if code >= 0x60:
                if code == 0x71:  # BINPUT
                    memo[buffer[position + 1]] = stack[-1]
                    position += 2
                elif code == 0x94:  # MEMOIZE
                    memo[len(memo)] = stack[-1]
                    position += 1
                elif code == 0x72:  # LONG_BINPUT
                    index = _U32(buffer, position + 1)[0]
                    if index > LARGEST_INDEX:
                        break
                    memo[index] = stack[-1]
                    position += 5
                elif code == 0x68:  # BINGET
                    value = memo[buffer[position + 1]]
                    kind = type(value)
                    stack.append(value)
                    position += 2
                    if kind is Imported:
                        m.listener.imported(value)
                    elif kind in HOLDERS:
                        m.shares = True
                elif code == 0x6A:  # LONG_BINGET
                    value = memo[_U32(buffer, position + 1)[0]]
                    kind = type(value)
                    stack.append(value)
                    position += 5
                    if kind is Imported:
                        m.listener.imported(value)
                    elif kind in HOLDERS:
                        m.shares = True
                elif code == 0x8C:  # SHORT_BINUNICODE
                    end = position + 2 + buffer[position + 1]
                    if end > size:
                        break
                    text = buffer[position + 2 : end].decode("utf-8", "surrogatepass")
                    if text[:2] in DISGUISES:
                        break
                    stack.append(text)
                    position = end
                elif code == 0x86:  # TUPLE2
                    stack[-2:] = [(stack[-2], stack[-1])]
                    position += 1
                elif code == 0x74:  # TUPLE
                    items = tuple(stack)
                    stack = m.marks.pop()
                    stack.append(items)
                    position += 1
                elif code == 0x85:  # TUPLE1
                    stack[-1] = (stack[-1],)
                    position += 1
                elif code == 0x87:  # TUPLE3
                    stack[-3:] = [(stack[-3], stack[-2], stack[-1])]
                    position += 1
                elif code == 0x75:  # SETITEMS
                    target = m.marks[-1][-1]
                    if type(target) is not Pairs:
                        break
                    for at in range(0, len(stack) - 1, 2):
                        target.put(stack[at], stack[at + 1])
                    stack = m.marks.pop()
                    position += 1
                elif code == 0x65:  # APPENDS
                    target = m.marks[-1][-1]
                    if type(target) is not Items:
                        break
                    target.extend(stack)
                    stack = m.marks.pop()
                    position += 1
                elif code == 0x7D:  # EMPTY_DICT
                    stack.append(Pairs())
                    position += 1
                elif code == 0x89:  # NEWFALSE
                    stack.append(False)
                    position += 1
                elif code == 0x88:  # NEWTRUE
                    stack.append(True)
                    position += 1
                else:
                    break
            elif code == 0x4B:  # BININT1
                stack.append(buffer[position + 1])
                position += 2
            elif code == 0x58:  # BINUNICODE
                length = _U32(buffer, position + 1)[0]
                end = position + 5 + length
                if end > size or length > LONGEST_CARRIED:
                    break
                text = buffer[position + 5 : end].decode("utf-8", "surrogatepass")
                if text[:2] in DISGUISES:
                    break
                stack.append(text)
                position = end
            elif code == 0x28:  # MARK
                m.marks.append(stack)
                stack = []
                position += 1
            elif code == 0x4D:  # BININT2
                stack.append(_U16(buffer, position + 1)[0])
                position += 3
            elif code == 0x29:  # EMPTY_TUPLE
                stack.append(())
                position += 1
            elif code == 0x4A:  # BININT
                stack.append(_I32(buffer, position + 1)[0])
                position += 5
            elif code == 0x47:  # BINFLOAT
                stack.append(_F64(buffer, position + 1)[0])
                position += 9
            elif code == 0x4E:  # NONE
                stack.append(None)
                position += 1
            elif code == 0x5D:  # EMPTY_LIST
                stack.append(Items())
                position += 1
            else:
                break
            count += 1
    except (IndexError, KeyError, UnicodeDecodeError, error):
        # The opcode is left to its own function, which says what is wrong with it or fetches its argument.
        pass
    m.stack = stack
    m.opcodes += count
    window.moved(position)
