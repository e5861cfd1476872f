//! The tables, in Markdown: medians, and ratios to `serde_json` under the same load.

use crate::run::{Load, Measured, Plan};

/// Prints a table for each load.
pub fn loads(measured: &[Measured], plans: &[Plan]) {
    for plan in plans {
        let title = match plan.load {
            Load::Burst => format!("Flat out, {} threads", plan.producers),
            Load::Paced => format!("4,000 calls a second, {} threads", plan.producers),
            Load::Tasks => format!("Flat out, {} tasks on 2 workers", plan.producers),
            Load::Off => "Off".to_owned(),
        };
        println!("\n### {title}\n");
        if plan.load == Load::Off {
            off(measured, *plan);
        } else {
            on(measured, *plan);
        }
    }
}

fn on(measured: &[Measured], plan: Plan) {
    println!(
        "| recorder | p50 ns | ÷ | p99 ns | allocations | bytes | caller CPU ns | CPU µs | ÷ | stored/s | ÷ | lost | disk B | peak MiB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let floor = Row::of(measured, plan, "serde_json");
    for name in names(measured, plan) {
        let row = Row::of(measured, plan, name);
        println!(
            "| {name} | {:.0} | {:.2} | {:.0} | {:.1} | {:.0} | {:.0} | {:.1} | {:.2} | {:.0} | {:.2} | {} | {:.0} | {:.0} |",
            row.median(|m| m.p50_ns),
            row.ratio(&floor, |m| m.p50_ns),
            row.median(|m| m.p99_ns),
            row.median(|m| m.allocations),
            row.median(|m| m.allocated_bytes),
            row.median(|m| m.caller_ns),
            row.median(|m| m.cpu_ns / 1e3),
            row.ratio(&floor, |m| m.cpu_ns),
            row.median(|m| m.stored_per_s),
            row.ratio(&floor, |m| m.stored_per_s),
            row.lost(),
            row.median(|m| m.disk_bytes),
            row.median(|m| m.peak_mib),
        );
    }
}

fn off(measured: &[Measured], plan: Plan) {
    println!("| recorder | p50 ns | ÷ | allocations |\n|---|--:|--:|--:|");
    let floor = Row::of(measured, plan, "serde_json");
    for name in names(measured, plan) {
        let row = Row::of(measured, plan, name);
        println!(
            "| {name} | {:.1} | {:.1} | {:.1} |",
            row.median(|m| m.p50_ns),
            row.ratio(&floor, |m| m.p50_ns),
            row.median(|m| m.allocations),
        );
    }
}

/// Prints how the cost grows with the number of tasks and the size of a prompt.
pub fn scaling(measured: &[Measured]) {
    println!(
        "\n| load | producers | prompt B | p50 ns | ÷ | p99 ns | allocations | CPU µs | ÷ | lost | peak MiB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut plans: Vec<Plan> = Vec::new();
    for one in measured {
        if !plans.contains(&one.plan) {
            plans.push(one.plan);
        }
    }
    for plan in plans {
        let floor = Row::of(measured, plan, "serde_json");
        let row = Row::of(measured, plan, "llm-audit");
        println!(
            "| {:?} | {} | {} | {:.0} | {:.2} | {:.0} | {:.1} | {:.1} | {:.2} | {} | {:.0} |",
            plan.load,
            plan.producers,
            if plan.prompt == 0 { 2_304 } else { plan.prompt },
            row.median(|m| m.p50_ns),
            row.ratio(&floor, |m| m.p50_ns),
            row.median(|m| m.p99_ns),
            row.median(|m| m.allocations),
            row.median(|m| m.cpu_ns / 1e3),
            row.ratio(&floor, |m| m.cpu_ns),
            row.lost(),
            row.median(|m| m.peak_mib),
        );
    }
}

/// Returns the medians for `plot.py`: recorder, load, producers, bytes of a prompt, nanoseconds
/// on the caller, nanoseconds of CPU.
pub fn tsv(measured: &[Measured]) -> String {
    let mut text = String::new();
    let mut plans: Vec<Plan> = Vec::new();
    for one in measured {
        if !plans.contains(&one.plan) {
            plans.push(one.plan);
        }
    }
    for plan in plans {
        for name in names(measured, plan) {
            let row = Row::of(measured, plan, name);
            let prompt = if plan.prompt == 0 { 2_304 } else { plan.prompt };
            text += &format!(
                "{name}\t{:?}\t{}\t{prompt}\t{:.0}\t{:.0}\n",
                plan.load,
                plan.producers,
                row.median(|m| m.p50_ns),
                row.median(|m| m.cpu_ns),
            );
        }
    }
    text
}

/// The runs of one recorder under one plan.
struct Row<'a>(Vec<&'a Measured>);

impl<'a> Row<'a> {
    fn of(measured: &'a [Measured], plan: Plan, name: &str) -> Self {
        let runs = measured.iter();
        Self(runs.filter(|m| m.plan == plan && m.name == name).collect())
    }

    fn median(&self, of: fn(&Measured) -> f64) -> f64 {
        let mut values: Vec<f64> = self.0.iter().map(|m| of(m)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn ratio(&self, floor: &Self, of: fn(&Measured) -> f64) -> f64 {
        self.median(of) / floor.median(of)
    }

    /// The most that one of the runs lost.
    fn lost(&self) -> usize {
        self.0.iter().map(|m| m.lost).max().unwrap_or(0)
    }
}

fn names(measured: &[Measured], plan: Plan) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for one in measured.iter().filter(|one| one.plan == plan) {
        if !names.contains(&one.name.as_str()) {
            names.push(&one.name);
        }
    }
    names
}
