"""The other side of `tests.support.pjsua`: pjsip in a process of its own, told what to do in JSON lines.

One command a line on standard input, one answer or event a line on standard output: {"event": ..., ...}.
"""

import gc
import importlib
import json
import os
from typing import Any

pj: Any = importlib.import_module("pjsua2")


def tell(event: str, **fields: object) -> None:
    """Write one event."""
    os.write(1, (json.dumps({"event": event, **fields}) + "\n").encode())


class PeerCall(pj.Call):  # type: ignore[misc]
    """One call; its number is its name in commands and events."""

    def __init__(self, peer: "Peer", account: Any, call_id: int = -1) -> None:
        super().__init__(account, *(() if call_id < 0 else (call_id,)))
        self.peer = peer
        self.number = len(peer.calls)
        peer.calls.append(self)

    def onCallState(self, _: Any) -> None:  # noqa: N802 - names of pjsip
        info = self.getInfo()
        tell(
            "call", call=self.number, state=info.stateText, status=info.lastStatusCode, remote=info.remoteUri
        )

    def onCallMediaState(self, _: Any) -> None:  # noqa: N802
        info = self.getInfo()
        for medium in info.media:
            if medium.type == pj.PJMEDIA_TYPE_AUDIO and medium.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(medium.index)
                self.peer.player.startTransmit(sound)
                sound.startTransmit(self.peer.recorder)
            tell("media", call=self.number, status=medium.status)

    def onCallTransferStatus(self, status: Any) -> None:  # noqa: N802
        tell("transfer", call=self.number, status=status.statusCode, last=status.finalNotify)


class PeerAccount(pj.Account):  # type: ignore[misc]
    """The account of the phone."""

    def __init__(self, peer: "Peer") -> None:
        super().__init__()
        self.peer = peer

    def onRegState(self, state: Any) -> None:  # noqa: N802
        tell("registered", status=state.code)

    def onIncomingCall(self, incoming: Any) -> None:  # noqa: N802
        call = PeerCall(self.peer, self, incoming.callId)
        tell("incoming", call=call.number, text=incoming.rdata.wholeMsg)
        answer = pj.CallOpParam()
        answer.statusCode = 180
        call.answer(answer)

    def onMwiInfo(self, info: Any) -> None:  # noqa: N802
        tell("mwi", state=info.state, text=info.rdata.wholeMsg)


class Peer:
    """The endpoint, one account, and its calls."""

    def __init__(self) -> None:
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.uaConfig.threadCnt = 0  # everything happens in `turn`
        config.uaConfig.mainThreadOnly = True
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.medConfig.noVad, config.medConfig.ecTailLen = True, 0
        self.endpoint.libInit(config)
        self.endpoint.audDevManager().setNullDev()
        self.calls: list[PeerCall] = []
        self.account: PeerAccount | None = None
        self.player: Any = pj.AudioMediaPlayer()
        self.recorder: Any = pj.AudioMediaRecorder()

    def start(self, **said: Any) -> None:
        """Open a socket and an account; `timers` and `reliable` switch on what is off by default."""
        transport = pj.TransportConfig()
        transport.boundAddress = said["host"]
        transport.port = 5060
        kinds = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP}
        made = self.endpoint.transportCreate(kinds[said["transport"]], transport)
        self.endpoint.libStart()
        self.player.createPlayer(said["speech"])
        self.recorder.createRecorder(said["heard"])
        config = pj.AccountConfig()
        tail = "" if said["transport"] == "udp" else f";transport={said['transport']}"
        config.idUri = f"sip:{said['user']}@{said['server']}"
        config.regConfig.registrarUri = f"sip:{said['server']}{tail}"
        config.sipConfig.proxies.append(f"sip:{said['server']}{tail};lr")
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", said["user"], 0, said["secret"]))
        config.sipConfig.transportId = made
        config.mediaConfig.transportConfig.boundAddress = said["host"]
        config.mwiConfig.enabled = said["mwi"]
        if said["demanding"]:
            config.callConfig.prackUse = pj.PJSUA_100REL_MANDATORY
            config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_ALWAYS
            config.callConfig.timerSessExpiresSec = 90
        self.account = PeerAccount(self)
        self.account.create(config)

    def dial(self, target: str) -> None:
        """Call somebody."""
        call = PeerCall(self, self.account)
        tell("dialled", call=call.number)
        call.makeCall(target, pj.CallOpParam(True))

    def answer(self, call: int, status: int = 200) -> None:
        """Give a final answer."""
        param = pj.CallOpParam(True)
        param.statusCode = status
        self.calls[call].answer(param)

    def hangup(self, call: int) -> None:
        """End a call."""
        self.calls[call].hangup(pj.CallOpParam(True))

    def hold(self, call: int) -> None:
        """Put on hold."""
        self.calls[call].setHold(pj.CallOpParam(True))

    def resume(self, call: int) -> None:
        """Take from hold."""
        param = pj.CallOpParam(True)
        param.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.calls[call].reinvite(param)

    def transfer(self, call: int, target: str) -> None:
        """Hand over without asking."""
        self.calls[call].xfer(target, pj.CallOpParam(True))

    def attended(self, call: int, to: int) -> None:
        """Hand over to whom another call leads."""
        self.calls[call].xferReplaces(self.calls[to], pj.CallOpParam(True))

    def turn(self) -> bool:
        """Let pjsip work, then do one command if there is one; False at the end of commands."""
        self.endpoint.libHandleEvents(20)
        line = commands.next()
        if line is None:
            return True
        if not line:
            return False
        said = json.loads(line)
        getattr(self, said.pop("do"))(**said)
        return True


class Commands:
    """Lines of standard input, without waiting for them."""

    def __init__(self) -> None:
        os.set_blocking(0, False)
        self._rest = b""
        self._over = False

    def next(self) -> str | None:
        """Return the next line, None while there is none, "" at the end."""
        if not self._over:
            try:
                data = os.read(0, 65536)
                self._rest += data
                self._over = not data
            except BlockingIOError:
                pass
        line, end, rest = self._rest.partition(b"\n")
        if end:
            self._rest = rest
            return line.decode()
        return "" if self._over else None


commands = Commands()

if __name__ == "__main__":
    peer = Peer()
    tell("ready")
    while peer.turn():
        pass
    peer.endpoint.hangupAllCalls()
    for _ in range(20):
        peer.endpoint.libHandleEvents(20)
    peer.player = peer.recorder = None  # which ends the recording's file
    gc.collect()
    peer.endpoint.libDestroy()
    os._exit(0)  # pjsip's own end trips over objects Python still holds
