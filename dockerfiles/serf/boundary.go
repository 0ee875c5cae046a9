package main

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/logutils"
	"github.com/hashicorp/serf/cmd/serf/command/agent"
	"github.com/hashicorp/serf/serf"
)

// What a client asks one federation and all of the other shall hear; and what its gateways then say inside the other.
const (
	crossing = "cross"
	inside   = "crossed"
	homeward = 100 * time.Millisecond // an answer must still come back before its question ends
)

// boundary is a gateway's second half: it is a member of the pool of gateways, too, and carries questions across.
type boundary struct {
	here       *agent.Agent
	between    *serf.Serf
	federation string
}

// open makes this node a gateway: from now on it is in two pools, which know nothing of each other's members.
func open(here *agent.Agent, node, federation string, gateways []string, out *logutils.LevelFilter) *boundary {
	conf := configuration(node, federation, boundaryPort, out)
	events := make(chan serf.Event, 64)
	conf.EventCh = events
	between, err := serf.Create(conf)
	fail(err)
	made := &boundary{here, between, federation}
	go func() {
		for event := range events {
			if asked, is := event.(*serf.Query); is && asked.Name == crossing {
				go made.carryIn(asked)
			}
		}
	}()
	go join(between, peers(node, gateways, boundaryPort))
	return made
}

// HandleEvent is told of everything in the gateway's own federation.
func (b *boundary) HandleEvent(event serf.Event) {
	if asked, is := event.(*serf.Query); is && asked.Name == crossing {
		go b.carryOut(asked)
	}
}

// carryOut asks one gateway of the other federation, and answers with what it says: who heard it.
func (b *boundary) carryOut(asked *serf.Query) {
	how := &serf.QueryParam{FilterNodes: b.beyond(), Timeout: left(asked)}
	if how.FilterNodes == nil {
		return
	}
	if answers, err := b.between.Query(crossing, asked.Payload, how); err == nil {
		defer answers.Close()
		select {
		case answer, came := <-answers.ResponseCh():
			if came {
				_ = asked.Respond(answer.Payload)
			}
		case <-time.After(left(asked)):
		}
	}
}

// carryIn asks every agent of this federation, and answers with the names of those that heard it.
func (b *boundary) carryIn(asked *serf.Query) {
	how := &serf.QueryParam{RequestAck: true, Timeout: left(asked)}
	answers, err := b.here.Serf().Query(inside, asked.Payload, how)
	if err != nil {
		return
	}
	defer answers.Close()
	var heard []string
	late := time.After(left(asked))
	for len(heard) < b.alive() {
		select {
		case name, came := <-answers.AckCh():
			if !came {
				late = time.After(0)
				continue
			}
			heard = append(heard, name)
			continue
		case <-late:
		}
		break
	}
	slices.Sort(heard)
	_ = asked.Respond([]byte(strings.Join(heard, " ")))
}

// beyond is one living gateway of the other federation, or nobody.
func (b *boundary) beyond() []string {
	for _, member := range b.between.Members() {
		if member.Status == serf.StatusAlive && member.Tags["dc"] != b.federation {
			return []string{member.Name}
		}
	}
	return nil
}

func (b *boundary) alive() (count int) {
	for _, member := range b.here.Serf().Members() {
		if member.Status == serf.StatusAlive {
			count++
		}
	}
	return count
}

// left is for how long a question may be carried on.
func left(asked *serf.Query) time.Duration {
	return max(time.Millisecond, time.Until(asked.Deadline())-homeward)
}
