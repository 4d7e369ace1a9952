"""Child process: read SMT-LIB from stdin, print sat, unsat or unknown. Arguments: seconds, megabytes.

Runs on the interpreter of .venv-soundness, where cvc5-gpl is installed; imports nothing of this project.
"""

import resource
import sys

import cvc5


def main() -> None:
    seconds, megabytes = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    terms = cvc5.TermManager()
    solver = cvc5.Solver(terms)
    solver.setOption("ff-solver", "split")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, sys.stdin.read(), "query")
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(solver, symbols).strip()
        if answer:
            print(answer)


if __name__ == "__main__":
    main()
