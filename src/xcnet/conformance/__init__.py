"""Whether a server of the Connection Coordinator API keeps to it: rules as data, run against a server by its URL.

The suite plays one of the server's peers: it calls as a provider that the server knows, with that provider's certificate
and signatures, makes what it needs there, and takes all of it away. A rule passes, fails, or is not testable, each with
the reason; nothing of this needs the server to be this project's::

    registry   rules: id, title, where it stands, operations; and how they are declared
    subject    what is given from outside: the server, who calls it, how proofs and activation keys are had
    wire       requests as they are, right or wrong, and the evidence of every exchange
    session    what rules are handed: resources of the peer's tree, connections that are made once
    rules/     the rules, by what they are about
    runner     runs them in order, each within its time, and cleans up
    report     results as data, as JUnit, as a page of the rules
    own        this project's own coordinators as the server, in this process
"""
