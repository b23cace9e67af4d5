//! Who is sent to next: a line for each receiver, turns among the receivers, bounds on what is in flight.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::domain::delivery::DueDelivery;
use crate::domain::id::JobId;
use crate::domain::webhook::Receiver;

#[derive(Default)]
struct Line {
    waiting: VecDeque<DueDelivery>,
    in_flight: usize,
}

/// Every delivery in it is known by its job, whether it waits or is being sent.
pub struct Lines {
    lines: HashMap<Receiver, Line>,
    /// Receivers with somebody waiting, in order of their turns.
    turns: VecDeque<Receiver>,
    jobs: HashSet<JobId>,
    waiting: usize,
    in_flight: usize,
    most: usize,
    most_per_receiver: usize,
    /// Receivers that did not answer last time: they get one place, so that many of them do not hold all.
    silent: HashSet<Receiver>,
}

/// So many receivers are remembered as silent at most.
const SILENT: usize = 10_000;

impl Lines {
    pub fn new(most: usize, most_per_receiver: usize) -> Self {
        Self {
            lines: HashMap::new(),
            turns: VecDeque::new(),
            jobs: HashSet::new(),
            waiting: 0,
            in_flight: 0,
            most,
            most_per_receiver,
            silent: HashSet::new(),
        }
    }

    /// Stands at the end of its receiver's line, unless its job is here already.
    pub fn join(&mut self, due: DueDelivery) {
        if !self.jobs.insert(due.job.clone()) {
            return;
        }
        let line = self.lines.entry(due.receiver.clone()).or_default();
        if line.waiting.is_empty() {
            self.turns.push_back(due.receiver.clone());
        }
        line.waiting.push_back(due);
        self.waiting += 1;
    }

    /// The next to be sent now, counted as in flight until it leaves.
    pub fn next(&mut self) -> Option<DueDelivery> {
        if self.in_flight >= self.most {
            return None;
        }
        for _ in 0..self.turns.len() {
            let receiver = self.turns.pop_front()?;
            let Some(line) = self.lines.get_mut(&receiver) else { continue };
            let room = if self.silent.contains(&receiver) { 1 } else { self.most_per_receiver };
            if line.in_flight >= room {
                self.turns.push_back(receiver);
                continue;
            }
            let Some(due) = line.waiting.pop_front() else { continue };
            line.in_flight += 1;
            if !line.waiting.is_empty() {
                self.turns.push_back(receiver);
            }
            self.waiting -= 1;
            self.in_flight += 1;
            return Some(due);
        }
        None
    }

    /// It is no longer in flight, and its receiver `answered` or not.
    pub fn leave(&mut self, due: &DueDelivery, answered: bool) {
        if answered {
            self.silent.remove(&due.receiver);
        } else if self.silent.len() < SILENT {
            self.silent.insert(due.receiver.clone());
        }
        self.jobs.remove(&due.job);
        let Some(line) = self.lines.get_mut(&due.receiver) else { return };
        line.in_flight = line.in_flight.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
        if line.in_flight == 0 && line.waiting.is_empty() {
            self.lines.remove(&due.receiver);
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn knows(&self, job: &JobId) -> bool {
        self.jobs.contains(job)
    }

    pub fn waiting_at(&self, receiver: &Receiver) -> usize {
        self.lines.get(receiver).map_or(0, |line| line.waiting.len())
    }

    /// Receivers with at least so many waiting.
    pub fn crowded(&self, at_least: usize) -> Vec<Receiver> {
        let crowded = self.lines.iter().filter(|(_, line)| line.waiting.len() >= at_least);
        crowded.map(|(receiver, _)| receiver.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::TaskType;

    fn due(receiver: &str, n: u128) -> DueDelivery {
        let job = JobId::new(TaskType::Crawl, Timestamp::UNIX_EPOCH, n);
        DueDelivery { job, receiver: Receiver::new(receiver), version: 1, wait: Duration::ZERO }
    }

    #[test]
    fn a_receiver_that_takes_its_time_delays_nobody_else() {
        let mut lines = Lines::new(10, 2);
        (0..5).for_each(|n| lines.join(due("slow", n)));
        lines.join(due("quick", 9));
        let sent: Vec<_> = std::iter::from_fn(|| lines.next()).map(|due| due.receiver.as_str().to_owned()).collect();
        assert_eq!(sent, ["slow", "quick", "slow"]);
    }

    #[test]
    fn a_receiver_waits_for_one_delivery_of_each_other_at_most() {
        let mut lines = Lines::new(10, 4);
        for hanging in 0..1000 {
            (0..3).for_each(|n| lines.join(due(&format!("hanging {hanging}"), hanging * 10 + n)));
        }
        lines.join(due("quick", 99_999));
        let mut before = 0;
        // Whoever is sent to does not answer; his place is free again when the time-out is over.
        while let Some(sent) = lines.next().filter(|sent| sent.receiver.as_str() != "quick") {
            before += 1;
            lines.leave(&sent, false);
        }
        assert_eq!(before, 1000);
    }

    #[test]
    fn who_leaves_makes_room_for_the_next() {
        let mut lines = Lines::new(1, 1);
        lines.join(due("a", 1));
        lines.join(due("a", 2));
        let first = lines.next().expect("there is room");
        assert_eq!(lines.next(), None);
        lines.leave(&first, true);
        assert_eq!(lines.next(), Some(due("a", 2)));
    }

    #[test]
    fn a_silent_receiver_gets_one_place_until_it_answers() {
        let mut lines = Lines::new(9, 2);
        (0..6).for_each(|n| lines.join(due("a", n)));
        let sent: Vec<_> = std::iter::from_fn(|| lines.next()).collect();
        sent.iter().for_each(|due| lines.leave(due, false));
        let alone: Vec<_> = std::iter::from_fn(|| lines.next()).collect();
        assert_eq!((sent.len(), alone.len()), (2, 1));
        lines.leave(&alone[0], true);
        assert_eq!(std::iter::from_fn(|| lines.next()).count(), 2);
    }

    #[test]
    fn a_job_stands_in_line_once() {
        let mut lines = Lines::new(9, 9);
        lines.join(due("a", 1));
        lines.join(due("a", 1));
        assert_eq!((lines.waiting(), std::iter::from_fn(|| lines.next()).count()), (1, 1));
    }
}
