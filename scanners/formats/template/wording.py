"""How instructions read that nobody asked for. Plain data: one place to add a wording.

Every expression is bounded on all sides, so that a long text takes time that grows with its length only.
"""

from __future__ import annotations

import re

OVERRULES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:\w+\s+){0,3}(?:previous|prior|above|earlier|preceding|"
            r"existing|system|safety|user'?s?|all)\s+(?:\w+\s+){0,2}(?:instructions?|messages?|prompts?|rules|guidelines|"
            r"directives?|polic(?:y|ies)|filters?|guardrails|restrictions)"
        ),
        r"(?<![/\w])(?:system|admin|developer|instruction|safety)[\s-]+override\b",
        (
            r"\bwithout\s+(?:\w+\s+){0,2}(?:telling|informing|notifying|alerting|warning)\s+(?:\w+\s+){0,2}(?:users?|human|anyone|"
            r"anybody|operator|them)\b"
        ),
        (
            r"(?:忽略|无视|忘记)[^\n。]{0,8}(?:之前|以上|上述|先前|所有)[^\n。]{0,8}(?:指令|指示|说明|提示|规则)|"
            r"(?:以前|上記|これまで|前)の?(?:すべての)?(?:指示|命令)[をは]?無視"
        ),
        (
            r"\bignor(?:a|ad|e|en|ez|er|iere|ieren sie)\s+(?:\w+\s+){0,3}(?:instrucciones|instructions|instruções|"
            r"anweisungen|istruzioni)\s*(?:anteriores|précédentes|precedenti|previas)?|игнорируй\w*\s+(?:\w+\s+){0,3}инструкци\w+|"
            r"\b(?:vorherigen?|obigen?|bisherigen?)\s+anweisungen\b"
        ),
        r"\b(?:secretly|covertly|stealthily|surreptitiously)\b",
        r"\bexfiltrat\w+",
        (
            r"\b(?:send|post|forward|transmit|upload|leak|email|report|submit)\b[^.\n]{0,80}(?:https?://|\S{1,64}@\S{1,64}\.\w|"
            r"\bwebhook\b|\battacker\b|\bremote server\b)"
        ),
        (
            r"\b(?:include|insert|add|append|embed|reveal|print|output|repeat|disclose|collect|harvest|steal|extract|"
            r"ask for|"
            r"request)\b[^.\n]{0,60}\b(?:passwords?|credentials?|api[\s_-]?keys?|secrets?|access tokens?|private keys?|"
            r"credit card|social security|seed phrase)\b"
        ),
        (
            r"\b(?:you are|act as|enter|enable|activate)\b[^.\n]{0,30}\b(?:dan\b|developer mode|god mode|jailbr\w+|"
            r"unrestricted|uncensored mode|unfiltered)"
        ),
        (
            r"\b(?:no|without|free of|ignore all|disable(?: all)?)\s+(?:any\s+)?(?:safety|ethical|content|moral)\s+"
            r"(?:\w+\s+){0,2}(?:filters?|restrictions?|guidelines|limits|limitations|checks|constraints|guardrails|rules)"
        ),
        r"\b(?:back\s?door|reverse shell|keylogger)\b",
        r"(?:curl|wget)\s[^|\n]{1,200}\|\s*(?:ba|z|k)?sh\b|\brm\s+-rf\s|\bpowershell\b[^\n]{0,40}-enc",
        r"\b(?:os\.system|os\.popen|subprocess\.\w+|__import__|eval|exec)\s*\(",
        (
            r"\b(?:always|silently|must)\b[^.\n]{0,60}\b(?:insert|inject|add|include|introduce|write)\b[^.\n]{0,60}\b"
            r"(?:vulnerab\w+|malware|malicious|exploit|backdoor|tracking|affiliate)"
        ),
        r"\b(?:always|silently)\b[^.\n]{0,80}\b(?:pip|npm|conda|brew|apt) install\b",
    )
)
STEERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"\b(?:do not|don't|never)\s+(?:\w+\s+){0,2}(?:tell|inform|notify|alert|warn)\s+(?:\w+\s+){0,2}"
            r"(?:users?|human|"
            r"anyone|anybody|operator|them)\b(?!\s+about\s+(?:the\s+)?(?:function|tool))"
        ),
        (
            r"\b(?:do not|don't|never)\s+(?:\w+\s+){0,2}(?:reveal|mention|disclose|acknowledge|admit|repeat)"
            r"\b[^.\n]{0,50}\b"
            r"(?:instructions?|prompt|this|these|rule)\b"
        ),
        (
            r"\balways\b[^.\n]{0,40}\b(?:recommend|promote|advertise|endorse|favou?r|praise|mention|link to|"
            r"direct|redirect|"
            r"point)\b"
        ),
        r"\bforget\b[^.\n]{0,40}\b(?:said|told|wrote|instructions?|everything)\b",
        (
            r"\b(?:whenever|every time|each time|if (?:the user|anyone|someone|asked|they))\b[^.\n]{0,80}\b(?:import|"
            r"install|insert|append|recommend|promote|praise)\b"
        ),
        r"\b(?:instead of|rather than)\s+(?:answering|helping|refusing)\b",
        (
            r"\b(?:must|always|should)\b[^.\n]{0,40}\b(?:approve|comply with any|agree with everything|answer yes|"
            r"say yes)\b"
        ),
        r"\b(?:hidden|secret)\s+(?:instruction|command|directive|rule|prompt|task|goal)s?\b",
        (
            r"\b(?:pretend|claim|tell (?:the user|them))\b[^.\n]{0,40}\b(?:safe|secure|verified|trusted|"
            r"no (?:vulnerab|issue|"
            r"problem)\w*)\b"
        ),
    )
)
"""The first overrule the user or send what is said elsewhere; the second steer what is answered."""
