package worker

import (
	"context"
	"errors"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"        //nolint:depguard // the model drives both sides
	"github.com/afterput/afterput/producer/audit"  //nolint:depguard // and the audit is its second judge
	"github.com/afterput/afterput/producer/replay" //nolint:depguard // as an operator does it
)

// served are the buckets of the model.
func served() pipeline.Buckets { return pipeline.Buckets{{Name: bucket}} }

// accept takes announcements in through the producer, in a process that may crash. A door
// that gave no answer is asked again.
func (w *modelWorld) accept(s sending, how disturbance, until int) {
	for {
		err := w.acceptOnce(s, w.newLife("", "", how, until))
		if err == nil {
			return
		}
		if !errors.Is(err, errVanished) {
			w.t.Fatalf("accept: %v", err)
		}
		how = undisturbed
	}
}

var errVanished = errors.New("vanished")

func (w *modelWorld) acceptOnce(s sending, l *life) (err error) {
	ctx, cancel := context.WithCancel(context.WithValue(w.ctx, lifeKey{}, l))
	defer cancel()
	l.cancel = cancel
	p, err := producer.New(producer.Options{
		Ledger: w.ledgerOf(l), Queue: w.queueOf(), Objects: bucketLife{w.store, w}, Buckets: served(),
		Rules: producer.Rules{Orders: true, Derivative: w.steps().Thumbnail.Derivative}, Logger: w.logger(),
	})
	w.noError(err, "producer")
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(vanished); !ok {
				panic(p)
			}
			err = errVanished
		}
	}()
	_, err = p.Accept(ctx, s.inbound, s.anns)
	return err
}

// replayLetter replays a letter as an operator does.
func (w *modelWorld) replayLetter(id int64) {
	ctx := context.WithValue(w.ctx, lifeKey{}, w.newLife("", "", undisturbed, 0))
	_, err := replay.Letter(ctx, w.ledger, w.queueOf(), id, "operator", "try again")
	w.noError(err, "replay")
}

// discardLetter gives a letter up.
func (w *modelWorld) discardLetter(letter pipeline.Letter) {
	made, err := w.ledger.Discard(w.ctx, letter.ID, "operator", "not worth it")
	w.noError(err, "discard")
	w.given[given{letter.UploadID, letter.Step, letter.Scope}] = true
	ctx := context.WithValue(w.ctx, lifeKey{}, w.newLife("", "", undisturbed, 0))
	if w.queueOf().EnqueueAll(ctx, made) != nil {
		w.noError(w.ledger.Unqueued(w.ctx, made), "unqueued")
	}
}

// audited runs the audit and gives its findings, without those that have an explanation.
func (w *modelWorld) audited() []audit.Finding {
	a, err := audit.New(audit.Options{
		Ledger: w.ledger, Orders: w.shopOrders(), Objects: bucketLife{w.store, w}, Queue: w.inspect, Buckets: served(),
	})
	w.noError(err, "audit")
	var found []audit.Finding
	_, err = a.Run(w.ctx, func(f audit.Finding) error {
		if f.UploadID == "" || !w.givenUp(f.UploadID) {
			found = append(found, f)
		}
		return nil
	})
	w.noError(err, "audit")
	return found
}

// lettersIn reads the letters in a state; "" for all.
func (w *modelWorld) lettersIn(state pipeline.LetterState) []pipeline.Letter {
	all, err := w.ledger.Letters(w.ctx, ledger.LetterFilter{State: state})
	w.noError(err, "letters")
	return all
}
