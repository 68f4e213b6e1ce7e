# Keeps the exported token of this shell fresh. In ~/.xonshrc:  execx($(seqera hook xonsh))
#
# At each prompt and before each command it reads one line, the mark, without a process; `seqera hook-env` runs
# only when the login changed or the token is due. Before this file stand two variables:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt: {seqera} in $PROMPT, or $SEQERA_PROMPT.


def __seqera_install(folder, options):
    import json
    import os
    import re
    import subprocess
    import sys
    import time

    env = __xonsh__.env
    handlers = (events.on_pre_prompt, events.on_precommand)
    pattern = re.compile(r'1 (\S+) (\d{1,10}) (\d{1,10}) (\d{1,10})(?: \d{1,10}){3} ([a-z]+) ([A-Za-z0-9_/@?-]+)(?: ([a-z]+))?\n?')
    # What an inherited token was exported for; a nested shell has no need to ask again.
    known = {'seen': str(env.get('SEQERA_ENV', '')).split(':')[0], 'retry': 0, 'wait': 30}

    def mark():
        profile = str(env.get('SEQERA_PROFILE', '') or '')
        try:
            with open(os.path.join(folder, profile + '.mark' if profile else 'mark')) as file:
                found = pattern.fullmatch(file.read(1024))
        except (OSError, ValueError):
            found = None
        if not found:
            return '', 9999999999, 9999999999, 9999999999, 'out', '', 'SEQERA_HOOK_FIRST'
        gen, due, warn, end, state, label, provider = found.groups()
        return gen, int(due), int(warn), int(end), state, label, provider or 'SEQERA_HOOK_FIRST'

    # Whether the person has brought a token of their own for this platform.
    def own(provider):
        tokens = []
        tokens += [env.get('SEQERA_HOOK_TOKEN')] if provider == 'SEQERA_HOOK_PROVIDER' else []
        return not env.get('SEQERA_ENV') and any(tokens)

    def show():
        _, _, warn, end, state, label, provider = mark()
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

    def ask(gen, now):
        # Before it runs: a crash or a missing program then costs no second try at the next prompt.
        known.update(seen=gen, retry=now + known['wait'])
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
        now = time.time()
        gen, due, *_, provider = mark()
        if own(provider):
            pass
        elif gen != known['seen'] or (now >= due and now >= known['retry']):
            ask(gen, now)
        show()

    def off():
        for event in handlers:
            event.discard(__seqera_hook)
        env['PROMPT_FIELDS'].pop('seqera', None)
        env.pop('SEQERA_PROMPT', None)
        for name in ('__seqera_dir', '__seqera_options', '__seqera_install', '__seqera_off', '__seqera_run'):
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
    __seqera_install(__seqera_dir, __seqera_options)
