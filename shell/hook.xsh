# Keeps the exported token of this shell fresh. In ~/.xonshrc:  execx($(seqera hook xonsh))
#
# At each prompt and before each command it reads one line, the mark, without a process; `seqera hook-env` runs
# only when the login changed or the token is due. Before this file stand variables:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
# For a prompt: {seqera} in $PROMPT, or $SEQERA_PROMPT. When this is printed, SEQERA_HOOK_… become the names of the
# platforms and of their variables.


def __seqera_install(folders, options):
    import json
    import os
    import re
    import stat
    import subprocess
    import sys
    import time

    env = __xonsh__.env
    handlers = (events.on_pre_prompt, events.on_precommand)
    pattern = re.compile(
        r'1 ([A-Za-z0-9_-]+[.]\d+) (\d{1,10}) (\d{1,10}) (\d{1,10})(?: \d{1,10}){3} (fresh|ending|ended|out) '
        r'([^\x00-\x20\x7f-\xa0!"#$%&\'()*+,.:;<=>\[\]\\^`{|}~]+)(?: ([a-z]+))?\n?'
    )
    # What an inherited token was exported for; a nested shell has no need to ask again.
    known = {'seen': str(env.get('SEQERA_ENV', '')).split(':')[0], 'far': '', 'tokens': None, 'retry': 0, 'wait': 30}

    # A small file of the person's own, in a folder that nobody else may write; nothing else is there.
    def read(folder, name):
        try:
            found = os.lstat(folder)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return ''
            number = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(number, encoding='utf-8') as file:
                found = os.fstat(number)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                    return ''
                return file.read(65536)
        except (OSError, ValueError):
            return ''

    # The profile of this shell, else of the folder: the nearest one that was bound.
    def profile():
        named = str(env.get('SEQERA_PROFILE', '') or '')
        if named:
            return named
        here = str(env.get('PWD', '')) + '/'
        for folder in folders:
            lines = [line.partition(' ') for line in read(folder, 'folders').splitlines()]
            bound = [(len(path), name) for name, _, path in lines if here.startswith(path + '/')]
            if lines:
                return max(bound)[1] if bound else ''
        return ''

    # This machine's mark, else the home's, and last what the home says.
    def mark():
        named = profile()
        name = named + '.mark' if named else 'mark'
        found = [pattern.fullmatch(read(folder, name)) for folder in folders]
        far = found[1].group(1) if len(found) > 1 and found[1] else ''
        found = next(filter(None, found), None)
        if not found:
            return '-', 0, 9999999999, 9999999999, 'none', '', 'SEQERA_HOOK_FIRST', far
        gen, due, warn, end, state, label, provider = found.groups()
        return gen, int(due), int(warn), int(end), state, label, provider or 'SEQERA_HOOK_FIRST', far

    # What is exported as a token now, with what it was exported for.
    def exported():
        tokens = []
        tokens += [str(env.get('SEQERA_HOOK_TOKEN') or '')]
        return [str(env.get('SEQERA_ENV') or ''), *tokens] if any(tokens) else None

    # Whether the person has brought a token of their own for this platform.
    def own(provider):
        tokens = []
        tokens += [env.get('SEQERA_HOOK_TOKEN')] if provider == 'SEQERA_HOOK_PROVIDER' else []
        return not env.get('SEQERA_ENV') and any(tokens)

    def show():
        _, _, warn, end, state, label, provider, _ = mark()
        if own(provider):
            env['SEQERA_PROMPT'] = 'env'
            return
        now = time.time()
        if state == 'ended' or state in ('fresh', 'ending') and now >= end:
            label += '!'
        elif state in ('fresh', 'ending') and now >= warn:
            label += '~'
        elif state not in ('fresh', 'ending'):
            label = ''
        env['SEQERA_PROMPT'] = label

    def ask(gen, far, now):
        # Before it runs: a crash or a missing program then costs no second try at the next prompt.
        known.update(seen=gen, far=far, retry=now + known['wait'])
        again = ['--again'] if known['wait'] > 30 else []
        known['wait'] = min(known['wait'] * 2, 480)
        variables = dict(env.detype(), SEQERA_PROFILE=str(env.get('SEQERA_PROFILE', '') or ''))
        try:
            answer = subprocess.run(
                ['seqera', 'hook-env', 'xonsh', *options.split(), *again],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables,
            )
            reply = json.loads(answer.stdout)
        except (OSError, ValueError):
            return
        if answer.returncode == 0:
            known['wait'] = 30
        for name in reply['unset']:
            env.pop(name, None)
        for name, value in reply['set'].items():
            env[name] = value
        if reply['say']:
            print(reply['say'], file=sys.stderr)

    def __seqera_hook(**_):
        for turn in range(2):  # the second time to see what the first has changed
            now = time.time()
            gen, due, *_, provider, far = mark()
            tokens = exported()
            if turn and str(env.get('SEQERA_ENV') or '').split(':')[0] in ('', gen):
                known['seen'] = gen  # that is what the program has just seen to
                if gen == '-':
                    known['wait'] = min(known['wait'] * 2, 480)
            if known['tokens'] is None:
                known['tokens'] = tokens
            # What was exported may end sooner than the mark says.
            end = str(env.get('SEQERA_TOKEN_EXPIRES_AT') or '')
            if env.get('SEQERA_ENV') and re.fullmatch(r'[0-9]{10}', end):
                due = min(due, int(end) - 60)
            same = tokens is None or tokens == known['tokens']
            if own(provider) or (
                gen == known['seen']
                and same
                and far in ('', gen, known['far'])
                and (now < due or now < known['retry'])
            ):
                break
            ask(gen, far, now)
            known['tokens'] = exported()
        show()

    def off():
        for event in handlers:
            event.discard(__seqera_hook)
        env['PROMPT_FIELDS'].pop('seqera', None)
        env.pop('SEQERA_PROMPT', None)
        for name in ('__seqera_dir', '__seqera_home', '__seqera_options', '__seqera_install', '__seqera_off', '__seqera_run'):
            __xonsh__.ctx.pop(name, None)

    for event in handlers:
        event(__seqera_hook)
    env['PROMPT_FIELDS']['seqera'] = lambda: env.get('SEQERA_PROMPT', '')
    # What execx assigns is gone when it ends.
    __xonsh__.ctx['__seqera_off'] = off


__seqera_run = []
__seqera_run += [__xonsh__.env.get('SEQERA_HOOK_RUN')]
if __xonsh__.env.get('XONSH_INTERACTIVE') and not any(__seqera_run):
    __xonsh__.ctx.get('__seqera_off', lambda: None)()  # loaded twice
    __seqera_install(list(dict.fromkeys((__seqera_dir, __seqera_home))), __seqera_options)
